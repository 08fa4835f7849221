import { readSettings } from './settings.js';

describe('the settings of the sandbox server', () => {
  it('[AR-9.5] have defaults that fit the images', () => {
    expect(readSettings({})).toEqual({
      socket: '/run/necrocode/sandbox.sock',
      rooms: '/rooms',
      network: false,
      identities: { first: 20_001, count: 256 },
      logLevel: 'info',
    });
    expect(readSettings({ SANDBOX_NETWORK: '1' }).network).toBe(true);
  });

  it('[AR-9.5] name every problem', () => {
    const wrong = { SANDBOX_ROOMS: 'rooms', SANDBOX_FIRST_UID: '0', SANDBOX_NETWORK: 'yes' };
    expect(() => readSettings(wrong)).toThrow(/SANDBOX_ROOMS.*SANDBOX_NETWORK.*SANDBOX_FIRST_UID/s);
  });
});
