import { describe, expect, it } from 'vitest';
import { OtaError } from '../../../src/model/errors.ts';
import { outcomesOf } from '../../../src/watch/outcomes.ts';

const ended = (
  outcome: Parameters<typeof outcomesOf>[0]['outcomes'] extends ReadonlyMap<string, infer T> ? T : never,
) => outcomesOf({ ok: false, exitCode: 1, outcomes: new Map([['hall', outcome]]) });

describe('a device that was not reached', () => {
  it('is tried again when it is back', () => {
    const error = new OtaError('DEVICE_SILENT', 'No answer.');
    expect(ended({ type: 'failed', stage: 'push', error })).toMatchObject({ missed: ['hall'], settled: [] });
  });

  it('is not where it has taken the image: one that crashes would be pushed again and again', () => {
    const error = new OtaError('DEVICE_GONE', 'It restarts every 2 s.');
    const verification = { type: 'crash-loop', everyMs: 2000, boots: 3 } as const;
    expect(ended({ type: 'failed', stage: 'verify', error, verification })).toMatchObject({
      missed: [],
      settled: ['hall'],
    });
  });
});
