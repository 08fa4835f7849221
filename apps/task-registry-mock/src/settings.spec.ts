import { readSettings } from './settings.js';

describe('settings', () => {
  it('[AR-15.6] come from the environment, with defaults', () => {
    expect(readSettings({ DATA_DIR: '/data' })).toMatchObject({
      listenAddress: '127.0.0.1:50051',
      maxInFlightPerRepo: 0,
      fairSharePerRepo: 4,
      maxAttempts: 5,
      maxLostAttempts: 10,
    });
    const settings = readSettings({
      DATA_DIR: '/data',
      LISTEN_ADDRESS: '0.0.0.0:1',
      FAULT_INJECTION: '1',
      MAX_IN_FLIGHT_PER_REPO: '3',
    });
    expect(settings).toMatchObject({
      listenAddress: '0.0.0.0:1',
      faultInjection: true,
      maxInFlightPerRepo: 3,
    });
  });

  it('[AR-15.6] name every problem at once and show no value', () => {
    const bad = { LISTEN_ADDRESS: 'nowhere', LOG_LEVEL: 'loud', MAX_IN_FLIGHT_PER_REPO: 'many' };
    expect(() => readSettings(bad)).toThrow(/LISTEN_ADDRESS.*DATA_DIR.*LOG_LEVEL.*MAX_IN_FLIGHT_PER_REPO/);
    expect(() => readSettings(bad)).not.toThrow(/nowhere|loud|many/);
  });
});
