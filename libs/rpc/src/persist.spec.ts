import { status } from '@grpc/grpc-js';
import { persist } from './persist.js';

describe('persist', () => {
  const failure = (code: status) => Object.assign(new Error(status[code]), { code });
  /** Fails with the statuses in order, then succeeds; counts its tries. */
  const failing = (...codes: status[]) => {
    const work = Object.assign(
      () => {
        const code = codes[work.tries];
        work.tries += 1;
        return code === undefined ? Promise.resolve('done') : Promise.reject(failure(code));
      },
      { tries: 0 },
    );
    return work;
  };

  it.each([
    status.UNAVAILABLE,
    status.DEADLINE_EXCEEDED,
    status.RESOURCE_EXHAUSTED,
    status.ABORTED,
    status.CANCELLED,
  ])('[AR-8.2] tries again after status %i', async (code) => {
    const work = failing(code, code);
    expect(await persist(work, { patienceMs: 60_000 })).toBe('done');
    expect(work.tries).toBe(3);
  });

  it.each([
    status.FAILED_PRECONDITION,
    status.INVALID_ARGUMENT,
    status.NOT_FOUND,
    status.ALREADY_EXISTS,
    status.PERMISSION_DENIED,
    status.UNAUTHENTICATED,
    status.UNIMPLEMENTED,
    status.INTERNAL,
    status.DATA_LOSS,
    status.UNKNOWN,
  ])('[AR-8.2] does not repeat what failed for good: status %i', async (code) => {
    const work = failing(code);
    await expect(persist(work, { patienceMs: 60_000 })).rejects.toMatchObject({ code });
    expect(work.tries).toBe(1);
  });

  it('[AR-8.2] leaves to its caller what that wants to handle', async () => {
    const exhausted = failing(status.RESOURCE_EXHAUSTED);
    await expect(persist(exhausted, { dontRetry: [status.RESOURCE_EXHAUSTED] })).rejects.toThrow();
    expect(exhausted.tries).toBe(1);
  });

  it('[AR-15.4] asks a service that is away seldom, and gives up with its answer', async () => {
    const away = failing(...Array<status>(10_000).fill(status.UNAVAILABLE));
    await expect(persist(away, { patienceMs: 2_000 })).rejects.toMatchObject({ code: status.UNAVAILABLE });
    expect(away.tries).toBeGreaterThan(1);
    expect(away.tries).toBeLessThan(25);
    const impatient = failing(status.UNAVAILABLE);
    await expect(persist(impatient, { retries: 0 })).rejects.toThrow();
    expect(impatient.tries).toBe(1);
  });

  it('[AR-11.2] stops waiting when its signal is aborted', async () => {
    const ending = new AbortController();
    const work = () => {
      setImmediate(() => ending.abort(new Error('cancelled')));
      return Promise.reject(failure(status.UNAVAILABLE));
    };
    const options = { patienceMs: 3_600_000, signal: ending.signal };
    await expect(persist(work, options)).rejects.toThrow('cancelled');
  });
});
