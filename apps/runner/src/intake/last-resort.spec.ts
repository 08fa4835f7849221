import { RunnerError, defaultPlace, subjects } from '@necrocode/contracts';
import { createLogger } from '@necrocode/telemetry';
import type { Refusal } from '../pipeline/ports.js';
import type { Delivery, Services } from '../pipeline/services.js';
import { LastResort } from './last-resort.js';
import type { Handled } from './settle.js';

const task = { spec_name: 's', task_id: '1', title: 't', description: 'd', repo_url: 'https://h/r.git' };
const delivery: Delivery = {
  body: Buffer.from(JSON.stringify(task)),
  place: defaultPlace,
  subject: subjects.task(defaultPlace),
  messageId: '7-1',
  headers: {},
  deliveries: 1,
  publishedAt: new Date(),
  life: undefined as never,
};

/** What was refused and buried, in order. */
function recording(): {
  readonly said: string[];
  readonly services: Pick<Services, 'registry' | 'bury' | 'log'>;
} {
  const said: string[] = [];
  const refuse = ({ key, code, message }: Refusal) => {
    said.push(`refused ${key?.specName}/${key?.taskId} ${code} ${message}`);
    return Promise.reject(new RunnerError('internal', 'the registry did not understand'));
  };
  const services = {
    registry: { refuse } as unknown as Services['registry'],
    bury: ({ code }: { code: string }) => Promise.resolve(void said.push(`buried ${code}`)),
    log: createLogger({ name: 'spec', level: 'silent' }),
  };
  return { said, services };
}

describe('a message that breaks its runner', () => {
  it('[AR-8.3] comes again a few times, then is recorded and ended, whatever the registry makes of it', async () => {
    const { said, services } = recording();
    const resort = new LastResort(services);
    const endings: Handled[] = [];
    for (let n = 0; n < 5; n += 1) endings.push(await resort.judge(delivery, new RangeError('stack')));
    expect(endings.slice(0, 4).map((ending) => ending.kind === 'unsettled' && ending.delaySeconds)).toEqual([
      2, 4, 8, 16,
    ]);
    expect(endings[4]?.kind).toBe('refused');
    expect(said).toEqual([
      expect.stringMatching(/^refused s\/1 internal handling the message broke 5 times/),
      'buried internal',
    ]);
  });

  it('[AR-8.3] is counted apart from others', async () => {
    const resort = new LastResort(recording().services);
    for (let n = 0; n < 10; n += 1) {
      const other = { ...delivery, messageId: String(n) };
      expect((await resort.judge(other, new Error('x'))).kind).toBe('unsettled');
    }
  });
});
