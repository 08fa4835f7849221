import { readSettings } from './settings.js';

describe('readSettings', () => {
  it('[AR-15.6] has defaults for everything but the place of the data', () => {
    expect(readSettings({ DATA_DIR: '/data', LOG_LEVEL: '' })).toEqual({
      listenAddress: '127.0.0.1:50053',
      dataDir: '/data',
      logLevel: 'info',
      faultInjection: false,
      reflection: false,
      maxArtifactBytes: 1_073_741_824,
    });
  });

  it('[AR-15.6] names every problem, without the values', () => {
    const wrong = { LISTEN_ADDRESS: 'nowhere-7f3', MAX_ARTIFACT_BYTES: '7f3', FAULT_INJECTION: 'yes-7f3' };
    expect(() => readSettings(wrong)).toThrow(
      /^(?!.*7f3)(?=.*LISTEN_ADDRESS)(?=.*MAX_ARTIFACT_BYTES)(?=.*FAULT_INJECTION)(?=.*DATA_DIR)/,
    );
  });

  it('[AR-12.3] serves metrics only where it is told to', () => {
    expect(readSettings({ DATA_DIR: '/data' }).metricsAddress).toBeUndefined();
    expect(readSettings({ DATA_DIR: '/data', METRICS_ADDRESS: '0.0.0.0:9464' }).metricsAddress).toBe(
      '0.0.0.0:9464',
    );
    expect(() => readSettings({ DATA_DIR: '/data', METRICS_ADDRESS: 'here' })).toThrow(
      /METRICS_ADDRESS: must be host:port/,
    );
  });
});
