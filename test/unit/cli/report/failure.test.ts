import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { OtaError } from '../../../../src/model/errors.ts';
import { writeFailure, type FailureOutput } from '../../../../src/cli/report/failure.ts';

const at = '2026-01-02T03:04:05.678Z';

function written(format: FailureOutput['format']) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const error = new OtaError('USAGE', 'There is no such flag.', {
    hint: 'Leave it out.',
    details: { flag: 'x' },
  });
  writeFailure(error, { stdout, stderr, format, exitCode: 2, now: () => new Date(at) });
  const [out, err] = [stdout, stderr].map((stream) => String((stream.read() as Buffer | null) ?? ''));
  return { out, err };
}

const failed = {
  type: 'failed',
  code: 'USAGE',
  message: 'There is no such flag.',
  hint: 'Leave it out.',
  stage: 'config',
  details: { flag: 'x' },
  at,
};

it('a failure that no run has told is two lines for a person', () => {
  expect(written('text')).toEqual({
    out: '',
    err: 'error USAGE: There is no such flag.\n  → Leave it out.\n',
  });
});

it('among events it stands in a run of its own, which ends', () => {
  const { out = '', err } = written('events');
  const ended = { ok: false, deployed: [], skipped: [], failed: [], durationMs: 0, exitCode: 2 };
  expect(
    out
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line)),
  ).toEqual([{ type: 'run-started', schema: 1, at }, failed, { type: 'done', ...ended, at }]);
  expect(err).toBe('');
});

it('in place of a document it is the document', () => {
  expect(JSON.parse(written('document').out ?? '')).toEqual(failed);
});
