import { readSettings } from './settings.js';

describe('readSettings', () => {
  it('[AR-15.6] has defaults for everything but the place of the data', () => {
    expect(readSettings({ DATA_DIR: '/data', LOG_LEVEL: '' })).toEqual({
      listenAddress: '127.0.0.1:50052',
      dataDir: '/data',
      logLevel: 'info',
      faultInjection: false,
      reflection: false,
      slotsPerRepo: 32,
      warmSlots: 2,
      protocols: ['https', 'ssh'],
      httpHosts: [],
      hosts: ['*'],
      mirrorTimeoutSeconds: 120,
    });
  });

  it('[AR-15.6] reads lists', () => {
    const lists = {
      DATA_DIR: '/data',
      GIT_ALLOWED_PROTOCOLS: 'https:file',
      HTTP_HOSTS: 'gitea:3000, Local ',
    };
    expect(readSettings(lists)).toMatchObject({
      protocols: ['https', 'file'],
      httpHosts: ['gitea:3000', 'local'],
    });
  });

  it('[AR-15.6] names every problem, without the values', () => {
    const wrong = {
      LISTEN_ADDRESS: 'nowhere-7f3',
      SLOTS_PER_REPO: '0',
      WARM_SLOTS: '7f3',
      FAULT_INJECTION: 'yes-7f3',
    };
    expect(() => readSettings(wrong)).toThrow(
      /^(?!.*7f3)(?=.*LISTEN_ADDRESS)(?=.*SLOTS_PER_REPO)(?=.*WARM_SLOTS)(?=.*FAULT_INJECTION)(?=.*DATA_DIR)/,
    );
  });
});
