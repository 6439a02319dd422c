import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createScreen } from '../../../../src/cli/terminal/screen.ts';
import type { DeployEvent, EventBody } from '../../../../src/model/events.ts';
import { createJsonWriter, createWriter, type WriterOptions } from '../../../../src/cli/report/writer.ts';

interface Streams {
  readonly stdoutIsTTY?: boolean;
  readonly stderrIsTTY?: boolean;
  readonly columns?: number;
}

/** A writer on two streams, a clock to turn by hand, and what stands in the streams. */
function writer(streams: Streams = {}, options: Partial<WriterOptions> = {}) {
  const { stdoutIsTTY = false, stderrIsTTY = false, columns } = streams;
  const stdout = Object.assign(new PassThrough(), { isTTY: stdoutIsTTY });
  const stderr = Object.assign(new PassThrough(), {
    isTTY: stderrIsTTY,
    ...(columns === undefined ? {} : { columns }),
  });
  let nowMs = 0;
  const reporter = createWriter({
    stdout,
    stderr,
    screen: stderrIsTTY ? createScreen(stderr, false) : undefined,
    verbosity: 'normal',
    color: 'auto',
    now: () => nowMs,
    ...options,
  });
  return {
    tell: (body: EventBody, device?: string) => reporter.tell(told(body, device)),
    pass: (ms: number) => (nowMs += ms),
    stdout: () => String((stdout.read() as Buffer | null) ?? ''),
    stderr: () => String((stderr.read() as Buffer | null) ?? ''),
  };
}

const told = (body: EventBody, device?: string): DeployEvent => ({
  ...body,
  at: '2026-01-02T03:04:05.678Z',
  ...(device === undefined ? {} : { device }),
});

const progress = (acknowledgedBytes: number): EventBody => ({
  type: 'progress',
  acknowledgedBytes,
  totalBytes: 102_400,
  bytesPerSecond: 10_240,
});
const done: EventBody = {
  type: 'done',
  ok: true,
  deployed: ['hall'],
  skipped: [],
  failed: [],
  durationMs: 1500,
  exitCode: 0,
};
const failed: EventBody = {
  type: 'failed',
  code: 'BUILD_FAILED',
  message: 'It did not compile.',
  hint: 'Fix it.',
  stage: 'build',
  details: {},
};

describe('in a pipe', () => {
  it('results go to stdout, all else to stderr', () => {
    const { tell, stdout, stderr } = writer();
    tell({ type: 'log', level: 'info', message: 'hello' });
    tell(failed, 'hall');
    tell(done);
    expect(stdout()).toBe('pushed to hall in 1.5 s\n');
    expect(stderr()).toBe('hello\nerror BUILD_FAILED: It did not compile.\n  → Fix it.\n');
  });

  it('the end says of a device no more than is known, and forgets it with the run', () => {
    const { tell, stdout } = writer();
    tell({ type: 'run-started', schema: 1 });
    tell({ type: 'verified', method: 'announce', proof: 'says so itself' }, 'hall');
    tell({ ...done, deployed: ['hall', 'attic'] });
    tell({ type: 'run-started', schema: 1 });
    tell(done);
    expect(stdout()).toBe('verified on hall; pushed to attic in 1.5 s\npushed to hall in 1.5 s\n');
  });

  it('progress is a line now and then, and none for a push that is over at once', () => {
    const { tell, pass, stderr } = writer();
    tell(progress(1024), 'hall');
    pass(2000);
    tell(progress(20_480), 'hall');
    expect(stderr()).toBe('');
    pass(1500);
    tell(progress(51_200), 'hall');
    tell(progress(102_400), 'hall');
    expect(stderr()).toBe('hall: 50 %, 50 of 100 KiB, 10 KiB/s, 5 s left\n');
  });

  it('the next device has a clock of its own', () => {
    const { tell, pass, stderr } = writer();
    const accepted: EventBody = {
      type: 'accepted',
      durationMs: 1000,
      sizeBytes: 1024,
      sentBytes: 1024,
      countedBytes: 1024,
    };
    tell(progress(1024), 'one');
    pass(10_000);
    tell(accepted, 'one');
    stderr();
    tell(progress(1024), 'two');
    expect(stderr()).toBe('');
  });

  it('is never coloured, unless that is forced', () => {
    const plain = writer();
    plain.tell(failed);
    expect(plain.stderr()).not.toContain('\x1b');
    const forced = writer({}, { color: 'always' });
    forced.tell(failed);
    expect(forced.stderr().startsWith('\x1b[31merror BUILD_FAILED')).toBe(true);
  });
});

describe('on a terminal', () => {
  const terminal = { stdoutIsTTY: true, stderrIsTTY: true, columns: 60 };

  it('progress is one line, drawn again at most every 80 ms and cut to the width', () => {
    const { tell, pass, stderr } = writer(terminal);
    tell(progress(10_240), 'hall');
    tell(progress(20_480), 'hall');
    pass(80);
    tell(progress(51_200), 'hall');
    const drawn = stderr().split('\r\x1b[2K').slice(1);
    expect(drawn).toHaveLength(2);
    expect(drawn[1]).toMatch(/^hall \[█{3}░{2}\] {2}50 %, 50 of 100 KiB, \d+ KiB\/s, \d+ s left$/);
    expect(Math.max(...drawn.map((line) => line.length))).toBeLessThanOrEqual(59);
    expect(drawn.join('')).not.toContain('\n');
  });

  it('the end of the progress is always drawn, and the next line wipes it', () => {
    const { tell, stderr } = writer({ ...terminal, columns: 100 });
    tell(progress(10_240), 'hall');
    tell(progress(102_400), 'hall');
    expect(stderr()).toContain('100 %');
    tell({ type: 'log', level: 'info', message: 'next' });
    tell({ type: 'log', level: 'info', message: 'after' });
    expect(stderr()).toBe('\r\x1b[2Knext\nafter\n');
  });

  it('each stream is coloured by itself: a result in a pipe is plain', () => {
    const { tell, stdout, stderr } = writer({ stderrIsTTY: true });
    tell(failed);
    tell(done);
    expect(stderr()).toContain('\x1b[31m');
    expect(stdout()).toBe('pushed to hall in 1.5 s\n');
  });

  it('is not coloured where that is not wanted', () => {
    const { tell, stdout } = writer(terminal, { color: 'never' });
    tell(done);
    expect(stdout()).toBe('pushed to hall in 1.5 s\n');
  });
});

describe('how much is said', () => {
  it('quietly: errors and their hints only', () => {
    const { tell, stdout, stderr } = writer({ stderrIsTTY: true }, { verbosity: 'quiet', color: 'never' });
    tell(progress(51_200), 'hall');
    tell({ type: 'log', level: 'warn', message: 'careful' });
    tell(failed);
    tell(done);
    expect(stdout()).toBe('');
    expect(stderr()).toBe('error BUILD_FAILED: It did not compile.\n  → Fix it.\n');
  });

  it('details only when asked for', () => {
    const detail: EventBody = { type: 'log', level: 'debug', message: 'detail' };
    const [normal, verbose] = [writer(), writer({}, { verbosity: 'verbose' })];
    normal.tell(detail);
    verbose.tell(detail);
    expect([normal.stderr(), verbose.stderr()]).toEqual(['', 'detail\n']);
  });

  it('one build that fails for three devices is told once, what differs is told each time', () => {
    const { tell, stderr } = writer();
    for (const device of ['one', 'two', 'three']) tell(failed, device);
    const silent = { ...failed, code: 'DEVICE_SILENT', stage: 'push', message: 'No answer.' } as const;
    for (const device of ['one', 'two']) tell(silent, device);
    expect(stderr().match(/^error .*/gm)).toEqual([
      'error BUILD_FAILED: It did not compile.',
      'error DEVICE_SILENT: one: No answer.',
      'error DEVICE_SILENT: two: No answer.',
    ]);
  });
});

it('as JSON, each event is one line, whatever its text', () => {
  const stdout = new PassThrough();
  const event = told({ type: 'log', level: 'info', message: 'two\nlines \u2028' }, 'hall');
  createJsonWriter(stdout).tell(event);
  const text = String(stdout.read());
  expect(text.trimEnd().split('\n')).toHaveLength(1);
  expect(JSON.parse(text)).toEqual(event);
});
