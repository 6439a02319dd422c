import { describe, expect, it } from 'vitest';
import { isQueued, phaseOf, startState, watchStep } from '../../../src/watch/machine.ts';
import type {
  RunEnded,
  WatchCommand,
  WatchInput,
  WatchRules,
  WatchState,
  Work,
} from '../../../src/watch/types.ts';

const start: Work = { kind: 'firmware', cause: 'start', paths: [], force: false, buildOnly: false };
/** Filled in by `put`: written when it is heard of. */
type Input = WatchInput | Omit<Extract<WatchInput, { type: 'changed' }>, 'writtenAtMs'>;
const changed = (...paths: string[]): Input => ({ type: 'changed', kind: 'firmware', paths });
const dataChanged = (...paths: string[]): Input => ({ type: 'changed', kind: 'filesystem', paths });
const runEnded = (more: Partial<RunEnded> = {}): WatchInput => ({
  type: 'run-ended',
  isGivenUp: false,
  settled: more.missed === undefined ? ['hall'] : [],
  missed: [],
  ...more,
});
const missing = { missed: ['hall'] };

/** Drives the machine by hand, and notes what it wants done; `wake` is its alarm clock. */
function machine(rules: Partial<WatchRules> = {}) {
  let state: WatchState = startState;
  let nowMs = 1_000;
  let wakeAtMs: number | undefined;
  const put = (input: Input): WatchCommand[] => {
    const next = watchStep(state, input.type === 'changed' ? { writtenAtMs: nowMs, ...input } : input, {
      nowMs,
      rules: { filesystem: 'never', stopsBuilds: true, ...rules },
    });
    state = next.state;
    for (const command of next.commands) if (command.type === 'wake') wakeAtMs = command.atMs;
    return next.commands.filter(({ type }) => type !== 'wake');
  };
  return {
    put,
    /** The time goes on, and the alarm rings when it is due. */
    wait(ms: number): WatchCommand[] {
      const until = nowMs + ms;
      const commands: WatchCommand[] = [];
      while (wakeAtMs !== undefined && wakeAtMs <= until) {
        nowMs = wakeAtMs;
        wakeAtMs = undefined;
        commands.push(...put({ type: 'time' }));
      }
      nowMs = until;
      return commands;
    },
    /** From the start to the image. */
    build(): void {
      put({ type: 'build-started' });
      put({ type: 'build-ended', how: 'made' });
    },
    get phase() {
      return phaseOf(state);
    },
    get isQueued() {
      return isQueued(state);
    },
    get nowMs() {
      return nowMs;
    },
  };
}

describe('the way through', () => {
  it('is watching, settling, building, deploying, watching', () => {
    const m = machine();
    expect(m.phase).toBe('watching');
    expect(m.put(changed('/a.cpp'))).toEqual([]);
    expect(m.phase).toBe('settling');
    expect(m.wait(40)).toEqual([{ type: 'run', work: { ...start, cause: 'change', paths: ['/a.cpp'] } }]);
    expect(m.phase).toBe('building');
    m.put({ type: 'build-started' });
    expect(m.phase).toBe('building');
    m.put({ type: 'build-ended', how: 'made' });
    expect(m.phase).toBe('deploying');
    expect(m.put(runEnded())).toEqual([]);
    expect(m.phase).toBe('watching');
  });

  it('begins at once with what is wanted', () => {
    const m = machine();
    expect(m.put({ type: 'wanted', work: start })).toEqual([{ type: 'run', work: start }]);
  });

  it('of many changes is one, and names each file once', () => {
    const m = machine();
    for (let index = 0; index < 3_000; index += 1) {
      m.put(changed(`/${index % 700}.cpp`));
      expect(m.wait(1)).toEqual([]);
    }
    const commands = m.wait(1_000);
    expect(commands).toHaveLength(1);
    expect(commands[0]).toMatchObject({ type: 'run', work: { paths: { length: 700 } } });
  });

  it('does not wait for ever for changes that do not end', () => {
    const m = machine();
    let waitedMs = 0;
    for (let isRunning = false; !isRunning && waitedMs < 60_000; waitedMs += 10) {
      m.put(changed('/a.cpp'));
      isRunning = m.wait(10).length > 0;
    }
    expect(waitedMs).toBeGreaterThan(4_000);
    expect(waitedMs).toBeLessThan(6_000);
  });
});

describe('a change while it builds', () => {
  it('stops the build, which starts again when the calm and the end of the old one have both come', () => {
    const m = machine();
    m.put({ type: 'wanted', work: start });
    m.put({ type: 'build-started' });
    m.wait(500);
    expect(m.put(changed('/a.cpp'))).toEqual([{ type: 'stop-builds' }]);
    expect(m.phase).toBe('settling');
    expect(m.put(changed('/b.cpp'))).toEqual([]);
    expect(m.wait(1_000)).toEqual([]);
    expect(m.put({ type: 'build-ended', how: 'stopped' })).toEqual([
      { type: 'build-again', work: { ...start, cause: 'change', paths: ['/a.cpp', '/b.cpp'] } },
    ]);
    m.build();
    expect(m.phase).toBe('deploying');
    expect(m.isQueued).toBe(false);
    expect(m.put(runEnded())).toEqual([]);
  });

  it('waits for the calm when the old build has gone first', () => {
    const m = machine();
    m.put({ type: 'wanted', work: start });
    m.put({ type: 'build-started' });
    m.put(changed('/a.cpp'));
    expect(m.put({ type: 'build-ended', how: 'stopped' })).toEqual([]);
    expect(m.wait(100)).toMatchObject([{ type: 'build-again' }]);
  });

  it('also asks for another run where an image of the old files is made already', () => {
    const m = machine();
    m.put({ type: 'wanted', work: start });
    m.build();
    m.put({ type: 'build-started' });
    expect(m.put(changed('/a.cpp'))).toEqual([{ type: 'stop-builds' }]);
    m.put({ type: 'build-ended', how: 'stopped' });
    expect(m.wait(100)).toMatchObject([{ type: 'build-again' }]);
    m.build();
    expect(m.isQueued).toBe(true);
    expect(m.put(runEnded())).toMatchObject([{ type: 'run', work: { paths: ['/a.cpp'] } }]);
  });

  it('leaves the build of somebody else alone', () => {
    const m = machine({ stopsBuilds: false });
    m.put({ type: 'wanted', work: start });
    m.put({ type: 'build-started' });
    expect(m.put(changed('/a.cpp'))).toEqual([]);
  });

  it('before it has begun is in its image, and asks for no other run', () => {
    const m = machine();
    m.put({ type: 'wanted', work: start });
    m.put(changed('/a.cpp'));
    m.wait(10);
    m.build();
    expect(m.isQueued).toBe(false);
    m.wait(1_000);
    expect(m.put(runEnded())).toEqual([]);
  });

  it('of data leaves the build of the firmware alone', () => {
    const m = machine({ filesystem: 'on-change' });
    m.put({ type: 'wanted', work: start });
    m.put({ type: 'build-started' });
    expect(m.put(dataChanged('/data/a'))).toEqual([]);
    m.put({ type: 'build-ended', how: 'made' });
    m.wait(1_000);
    expect(m.put(runEnded())).toMatchObject([{ type: 'run', work: { kind: 'filesystem' } }]);
  });
});

describe('a change while it deploys', () => {
  it('lets it finish, and a hundred of them ask for one more run', () => {
    const m = machine();
    m.put({ type: 'wanted', work: start });
    m.build();
    for (let index = 0; index < 100; index += 1) {
      expect(m.put(changed('/a.cpp'))).toEqual([]);
      expect(m.wait(7)).toEqual([]);
    }
    expect(m.phase).toBe('deploying');
    expect(m.isQueued).toBe(true);
    const more = [...m.put(runEnded()), ...m.wait(100)];
    expect(more).toMatchObject([{ type: 'run', work: { cause: 'change', paths: ['/a.cpp'] } }]);
    m.build();
    expect(m.put(runEnded())).toEqual([]);
    expect(m.wait(60_000)).toEqual([]);
  });
});

describe('a failed build', () => {
  it('ends the run, and the next save tries again', () => {
    const m = machine();
    m.put({ type: 'wanted', work: start });
    m.put({ type: 'build-started' });
    m.put({ type: 'build-ended', how: 'failed' });
    expect(m.put(runEnded())).toEqual([]);
    expect(m.phase).toBe('watching');
    m.put(changed('/a.cpp'));
    expect(m.wait(40)).toMatchObject([{ type: 'run' }]);
  });
});

describe('a device that could not be reached', () => {
  it('gets it when it is seen, and only what it has not got', () => {
    const m = machine({ filesystem: 'on-change' });
    m.put(dataChanged('/data/a'));
    m.wait(100);
    m.build();
    m.put(runEnded(missing));
    expect(m.wait(60_000)).toEqual([]);
    expect(m.put({ type: 'device-seen' })).toMatchObject([
      { type: 'run', work: { kind: 'filesystem', cause: 'device' } },
    ]);
    m.build();
    m.put(runEnded());
    expect(m.put({ type: 'device-seen' })).toEqual([]);
  });

  it('gets it with the next save, the file system first, and is not tried for ever', () => {
    const m = machine({ filesystem: 'on-change' });
    m.put(dataChanged('/data/a'));
    m.wait(100);
    m.build();
    m.put(runEnded(missing));
    m.put(changed('/a.cpp'));
    expect(m.wait(100)).toMatchObject([{ type: 'run', work: { kind: 'filesystem' } }]);
    m.build();
    expect(m.put(runEnded(missing))).toMatchObject([{ type: 'run', work: { kind: 'firmware' } }]);
    m.build();
    expect(m.put(runEnded())).toEqual([{ type: 'await-devices', names: ['hall'], atOnce: true }]);
    expect(m.wait(60_000)).toEqual([]);
    expect(m.put({ type: 'device-seen' })).toMatchObject([{ type: 'run', work: { kind: 'filesystem' } }]);
    m.build();
    expect(m.put(runEnded(missing))).toMatchObject([{ type: 'await-devices', atOnce: false }]);
  });

  it('is still waited for after a build that failed, and one for its own sake', () => {
    const m = machine();
    m.put({ type: 'wanted', work: start });
    m.build();
    const awaited = [{ type: 'await-devices', names: ['hall'], atOnce: true }];
    expect(m.put(runEnded(missing))).toEqual(awaited);
    m.put(changed('/a.cpp'));
    m.wait(100);
    m.put({ type: 'build-started' });
    m.put({ type: 'build-ended', how: 'failed' });
    expect(m.put(runEnded({ settled: [] }))).toEqual(awaited);
    m.put({ type: 'wanted', work: { ...start, cause: 'asked', buildOnly: true } });
    m.build();
    expect(m.put(runEnded({ settled: [] }))).toEqual(awaited);
    m.put({ type: 'device-seen' });
    m.build();
    expect(m.put(runEnded())).toEqual([]);
  });
});

describe('a configuration that has changed', () => {
  it('is read before anything begins', () => {
    const m = machine();
    m.put(changed('/a.cpp'));
    m.put({ type: 'configuration-due' });
    expect(m.wait(1_000)).toEqual([]);
    expect(m.put({ type: 'wanted', work: { ...start, cause: 'configuration' } })).toEqual([]);
    expect(m.put({ type: 'configuration-read' })).toMatchObject([
      { type: 'run', work: { cause: 'configuration', paths: ['/a.cpp'] } },
    ]);
    m.build();
    expect(m.put(runEnded())).toEqual([]);
    expect(m.wait(1_000)).toEqual([]);
  });

  it('asks for a run of its own, also while a save stops the build', () => {
    const m = machine();
    m.put({ type: 'wanted', work: start });
    m.put({ type: 'build-started' });
    expect(m.put(changed('/a.cpp'))).toEqual([{ type: 'stop-builds' }]);
    m.put({ type: 'configuration-due' });
    m.put({ type: 'wanted', work: { ...start, cause: 'configuration' } });
    m.put({ type: 'configuration-read' });
    m.put({ type: 'build-ended', how: 'stopped' });
    m.wait(100);
    m.build();
    expect(m.put(runEnded())).toMatchObject([{ type: 'run', work: { cause: 'configuration' } }]);
  });

  it('leaves to be done what it puts an end to', () => {
    const m = machine({ filesystem: 'on-change' });
    m.put(dataChanged('/data/a'));
    m.wait(100);
    m.put({ type: 'build-started' });
    m.put({ type: 'wanted', work: { ...start, cause: 'configuration' } });
    m.put({ type: 'build-ended', how: 'failed' });
    expect(m.put(runEnded({ isGivenUp: true, settled: [] }))).toMatchObject([
      { type: 'run', work: { kind: 'filesystem', paths: ['/data/a'] } },
    ]);
  });
});

describe('data', () => {
  it('goes before the firmware when both have changed', () => {
    const m = machine({ filesystem: 'on-change' });
    m.put(changed('/a.cpp'));
    m.put(dataChanged('/data/a'));
    expect(m.wait(200)).toMatchObject([{ type: 'run', work: { kind: 'filesystem', paths: ['/data/a'] } }]);
    m.build();
    expect(m.put(runEnded())).toMatchObject([{ type: 'run', work: { kind: 'firmware', paths: ['/a.cpp'] } }]);
  });

  it('that was left alone takes no calm from what changes later', () => {
    const m = machine();
    m.put(dataChanged('/data/a'));
    m.wait(60_000);
    for (let index = 0; index < 20; index += 1) {
      m.put(changed(`/${index}.cpp`));
      expect(m.wait(10)).toEqual([]);
    }
    expect(m.wait(1_000)).toMatchObject([{ type: 'run' }]);
  });

  it('is left alone, once for all files, where it is not to be pushed', () => {
    const m = machine();
    m.put(dataChanged('/data/a'));
    m.put(dataChanged('/data/b'));
    expect(m.wait(200)).toEqual([{ type: 'leave-alone', paths: ['/data/a', '/data/b'] }]);
    expect(m.phase).toBe('watching');
    m.put(changed('/a.cpp'));
    m.put(dataChanged('/data/a'));
    expect(m.wait(200)).toMatchObject([{ type: 'leave-alone' }, { type: 'run', work: { kind: 'firmware' } }]);
  });
});

describe('a pause', () => {
  it('keeps what changes until it is over', () => {
    const m = machine();
    m.put({ type: 'paused' });
    m.put(changed('/a.cpp'));
    expect(m.wait(60_000)).toEqual([]);
    expect(m.phase).toBe('watching');
    expect(m.put({ type: 'resumed' })).toMatchObject([{ type: 'run', work: { paths: ['/a.cpp'] } }]);
  });

  it('lets the build go on that runs, and follows with one run', () => {
    const m = machine();
    m.put({ type: 'wanted', work: start });
    m.put({ type: 'build-started' });
    m.put({ type: 'paused' });
    expect(m.put(changed('/a.cpp'))).toEqual([]);
    m.put({ type: 'build-ended', how: 'made' });
    expect(m.put(runEnded())).toEqual([]);
    m.wait(1_000);
    expect(m.put({ type: 'resumed' })).toMatchObject([{ type: 'run' }]);
  });

  it('does not hold a build for its own sake, which leaves to be deployed what has changed', () => {
    const m = machine();
    const build: Work = { ...start, cause: 'asked', buildOnly: true };
    m.put({ type: 'paused' });
    m.put(changed('/a.cpp'));
    expect(m.put({ type: 'wanted', work: build })).toEqual([{ type: 'run', work: build }]);
    m.put({ type: 'build-started' });
    m.put({ type: 'resumed' });
    expect(m.put(changed('/b.cpp'))).toEqual([{ type: 'stop-builds' }]);
    m.put({ type: 'build-ended', how: 'stopped' });
    expect(m.wait(500)).toMatchObject([{ type: 'build-again' }]);
    m.put({ type: 'build-ended', how: 'made' });
    expect(m.put(runEnded())).toMatchObject([
      { type: 'run', work: { paths: ['/a.cpp', '/b.cpp'], buildOnly: false } },
    ]);
  });

  it('does not hold what a person asks for', () => {
    const m = machine();
    m.put({ type: 'paused' });
    expect(m.put({ type: 'wanted', work: { ...start, cause: 'asked', force: true } })).toMatchObject([
      { type: 'run', work: { force: true } },
    ]);
  });
});

describe('a file that each build writes', () => {
  /** One build that is disturbed so long after its start; whether that stopped it. */
  const disturbed = (m: ReturnType<typeof machine>, path: string, afterMs: number): boolean => {
    m.put({ type: 'build-started' });
    m.wait(afterMs);
    const stopped = m.put(changed(path)).some(({ type }) => type === 'stop-builds');
    if (stopped) {
      m.put({ type: 'build-ended', how: 'stopped' });
      m.wait(1_000);
    }
    return stopped;
  };

  it('stops it some times, then it is known, and counts only while no build runs', () => {
    const m = machine();
    m.put({ type: 'wanted', work: start });
    for (let index = 0; index < 3; index += 1) {
      expect(disturbed(m, '/src/version.h', 300 + index * 20)).toBe(true);
    }
    // It may be the build itself: from now on it is let go on, and another one follows.
    expect(disturbed(m, '/src/version.h', 310)).toBe(false);
    m.put({ type: 'build-ended', how: 'made' });
    expect([...m.put(runEnded()), ...m.wait(1_000)]).toMatchObject([
      { type: 'run', work: { paths: ['/src/version.h'] } },
    ]);
    m.put({ type: 'build-started' });
    m.wait(300);
    expect(m.put(changed('/src/version.h'))).toEqual([{ type: 'products-found', paths: ['/src/version.h'] }]);
    const writtenAtMs = m.nowMs;
    m.wait(50);
    m.put({ type: 'build-ended', how: 'made' });
    expect(m.put({ type: 'changed', kind: 'firmware', paths: ['/src/version.h'], writtenAtMs })).toEqual([]);
    expect(m.put(runEnded())).toEqual([]);
    m.wait(5_000);
    m.put(changed('/src/version.h'));
    expect(m.wait(100)).toMatchObject([{ type: 'run' }]);
  });

  it('at its end makes some runs too many, then it is known', () => {
    const m = machine();
    m.put({ type: 'wanted', work: start });
    let runs = 1;
    for (; runs < 10; runs += 1) {
      m.put({ type: 'build-started' });
      m.wait(700);
      const writtenAtMs = m.nowMs;
      m.wait(20);
      m.put({ type: 'build-ended', how: 'made' });
      m.wait(5);
      m.put({ type: 'changed', kind: 'firmware', paths: ['/src/version.h'], writtenAtMs });
      m.wait(2_000);
      if (m.put(runEnded()).length === 0) break;
    }
    expect(runs).toBe(3);
  });

  it('is not one that a person saves each time that it is on the device', () => {
    const m = machine();
    m.put({ type: 'wanted', work: start });
    for (let index = 0; index < 30; index += 1) {
      m.build();
      m.put(runEnded());
      // At once, and with the time of a kernel that counts in steps.
      m.put({ type: 'changed', kind: 'firmware', paths: ['/src/main.cpp'], writtenAtMs: m.nowMs - 10 });
      expect(m.wait(50)).toMatchObject([{ type: 'run' }]);
    }
  });

  it('is not one that a person saves at any moment', () => {
    const m = machine();
    m.put({ type: 'wanted', work: start });
    for (const ms of [300, 2_000, 100, 900, 40, 1_500, 300, 5_000]) {
      expect(disturbed(m, '/src/main.cpp', ms)).toBe(true);
    }
  });

  it('is not one that changes together with others', () => {
    const m = machine();
    m.put({ type: 'wanted', work: start });
    for (let index = 0; index < 8; index += 1) {
      expect(disturbed(m, index % 2 === 0 ? '/a.cpp' : '/b.cpp', 300)).toBe(true);
    }
  });
});
