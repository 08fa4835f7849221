import { CallLog } from './call-log.js';

const body = (n: number) => JSON.stringify({ n });

describe('CallLog', () => {
  it('[AR-3.4] keeps the newest calls only', () => {
    const log = new CallLog({ calls: 3, bodies: 1000 });
    for (let n = 0; n < 20; n++) log.add(`a/${n}`, 200, body(n));
    expect(log.list().map(({ task }) => task)).toEqual(['a/17', 'a/18', 'a/19']);
  });

  it('[AR-3.4] keeps the newest bodies only, and counts again after a clearing', () => {
    const log = new CallLog({ calls: 10, bodies: body(0).length * 2 });
    for (let n = 0; n < 4; n++) log.add('a/1', 200, body(n));
    expect(log.list().map(({ request }) => request)).toEqual([null, null, { n: 2 }, { n: 3 }]);
    log.clear();
    log.add('a/1', 200, body(5));
    expect(log.list().map(({ request }) => request)).toEqual([{ n: 5 }]);
  });
});
