import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OtaError } from '../../../src/model/errors.ts';
import { createDriver, type Clock } from '../../../src/watch/driver.ts';
import { phaseOf } from '../../../src/watch/machine.ts';
import {
  onSessionInput,
  startSession,
  sessionWakeAtMs,
  type WatchSession,
} from '../../../src/watch/session.ts';
import type { SessionAction, SessionFacts, SessionInput } from '../../../src/watch/types.ts';

type Ended = Extract<SessionInput, { type: 'run-ended' }>;

const deployed: Ended = {
  type: 'run-ended',
  ok: true,
  exitCode: 0,
  isFinal: true,
  settled: ['hall'],
  missed: [],
  isImagePending: false,
};
const unreached: Ended = { ...deployed, ok: false, exitCode: 1, settled: [], missed: ['hall'] };
const unbuilt: Ended = { ...deployed, ok: false, exitCode: 1, isFinal: false, settled: [] };
const started: SessionInput = { type: 'started', isAnyImage: false, isImagePending: false };
const ctrlC: SessionInput = { type: 'interrupted', error: new OtaError('CANCELLED', 'Ctrl-C') };
const saved = (nowMs: number): SessionInput => ({
  type: 'changed',
  kind: 'firmware',
  paths: ['/a.cpp'],
  writtenAtMs: nowMs,
});

/** A session driven by hand. `put` answers with the types of what it wants done. */
function watch({ once = false, builds = true, idleLimitMs = undefined as number | undefined } = {}) {
  let session: WatchSession = startSession({ once, idleLimitMs });
  let nowMs = 1_000;
  let all: readonly SessionAction[] = [];
  const facts = (): SessionFacts => ({
    nowMs,
    kind: 'firmware',
    rules: { filesystem: 'never', stopsBuilds: builds },
  });
  const put = (input: SessionInput): string[] => {
    [session, all] = onSessionInput(session, input, facts());
    return all.map(({ type }) => type);
  };
  return {
    put,
    /** To the moment that the session asks for. */
    wake(): string[] {
      nowMs = sessionWakeAtMs(session);
      return put({ type: 'time' });
    },
    build(isImagePending = false): string[] {
      put({ type: 'build-started' });
      return put({ type: 'build-ended', how: 'made', isImagePending });
    },
    last: <T extends SessionAction['type']>(type: T) =>
      all.find((action): action is Extract<SessionAction, { type: T }> => action.type === type),
    get session() {
      return session;
    },
    get phase() {
      return phaseOf(session.machine);
    },
    get nowMs() {
      return nowMs;
    },
  };
}

describe('the start of a watch', () => {
  it.each([
    [{ builds: true }, {}, ['run']],
    [{ builds: true, once: true }, {}, ['run']],
    [{ builds: false }, {}, []],
    [{ builds: false }, { isAnyImage: true }, ['run']],
    [{ builds: false, once: true }, { isAnyImage: true }, []],
    [{ builds: false, once: true }, { isAnyImage: true, isImagePending: true }, ['run']],
  ])('%j, with images %j, does %j', (options, images, actions) => {
    expect(watch(options).put({ ...started, ...images } as SessionInput)).toEqual(actions);
  });
});

describe('the end of a watch', () => {
  it('comes with `q` at once, except during a push, which is finished', () => {
    const calm = watch();
    expect(calm.put({ type: 'quit' })).toEqual(['end']);
    expect(calm.session).toMatchObject({ stage: 'ended', exitCode: 0 });

    const building = watch();
    building.put(started);
    expect(building.put({ type: 'quit' })).toEqual(['end']);
    expect(building.last('end')?.reason?.details).toEqual({ reason: 'quit' });

    const pushing = watch();
    pushing.put(started);
    pushing.build();
    expect(pushing.put({ type: 'quit' })).toEqual(['inform']);
    pushing.put(saved(pushing.nowMs));
    expect(pushing.put(unreached)).toEqual(['end']);
    expect(pushing.session.exitCode).toBe(1);
  });

  it('comes with `q` twice during a push, as with Ctrl-C', () => {
    const m = watch();
    m.put(started);
    m.build();
    m.put({ type: 'quit' });
    expect(m.put({ type: 'quit' })).toEqual(['end']);
    expect(m.session.exitCode).toBe(130);
  });

  it('comes for `--once` with the first run that tried a device, whatever came of it', () => {
    const m = watch({ once: true });
    m.put(started);
    m.put({ type: 'build-started' });
    m.put({ type: 'build-ended', how: 'failed', isImagePending: false });
    expect(m.put(unbuilt)).toEqual([]);
    m.put(saved(m.nowMs));
    expect(m.wake()).toEqual(['run']);
    m.build();
    expect(m.put(unreached)).toEqual(['end']);
    expect(m.session.exitCode).toBe(1);
  });

  it('comes when no image is written within the limit, and not once one was', () => {
    const idle = watch({ once: true, builds: false, idleLimitMs: 5_000 });
    idle.put(started);
    expect(idle.wake()).toEqual(['report-idle']);
    expect(idle.nowMs).toBe(6_000);
    expect(idle.last('report-idle')?.error).toMatchObject({ code: 'TIMEOUT', details: { limitMs: 5_000 } });
    expect(sessionWakeAtMs(idle.session)).toBe(Infinity);
    expect(idle.put({ type: 'idle-reported', exitCode: 1 })).toEqual(['end']);
    expect(idle.session.exitCode).toBe(1);

    const busy = watch({ once: true, builds: false, idleLimitMs: 5_000 });
    busy.put(started);
    busy.put({ type: 'image-written' });
    expect(sessionWakeAtMs(busy.session)).toBe(Infinity);
  });

  it('is the last thing that is done, and the first reason decides the exit code', () => {
    const input = fc.constantFrom<SessionInput>(
      started,
      saved(1_000),
      deployed,
      unreached,
      ctrlC,
      { type: 'quit' },
      { type: 'time' },
      { type: 'image-written' },
      { type: 'build-started' },
      { type: 'build-ended', how: 'made', isImagePending: true },
      { type: 'build-ended', how: 'stopped', isImagePending: false },
      { type: 'asked', force: true, buildOnly: false },
      { type: 'paused' },
      { type: 'resumed' },
      { type: 'project-replaced' },
      { type: 'project-read', isOther: true, paths: [] },
      { type: 'devices-chosen', names: ['hall'] },
    );
    fc.assert(
      fc.property(fc.array(input, { maxLength: 40 }), fc.boolean(), fc.boolean(), (inputs, once, builds) => {
        const m = watch({ once, builds });
        const done: string[] = [];
        const exitCodes = new Set<number>();
        for (const each of inputs) {
          done.push(...m.put(each));
          if (m.session.exitCode !== undefined) exitCodes.add(m.session.exitCode);
        }
        const at = done.indexOf('end');
        expect(at === -1 || at === done.length - 1).toBe(true);
        expect(exitCodes.size).toBe(at === -1 ? 0 : 1);
        expect(m.session.stage === 'ended').toBe(at !== -1);
        if (at !== -1) expect(sessionWakeAtMs(m.session)).toBe(Infinity);
      }),
    );
  });
});

describe('another configuration', () => {
  it('puts an end to a build, and the new one has its reason', () => {
    const m = watch();
    m.put(started);
    m.put({ type: 'configuration-due' });
    m.put({ type: 'build-started' });
    expect(m.put({ type: 'project-replaced' })).toEqual(['give-up-run']);
    m.put({ type: 'project-read', isOther: true, paths: ['/platformio.ini'] });
    m.put({ type: 'configuration-read' });
    m.put({ type: 'build-ended', how: 'failed', isImagePending: false });
    expect(m.put({ ...unbuilt, ok: false })).toEqual(['run']);
    expect(m.last('run')?.work).toMatchObject({ cause: 'configuration', paths: ['/platformio.ini'] });
    expect(m.session.isRunGivenUp).toBe(false);
  });

  it('lets a push finish', () => {
    const m = watch();
    m.put(started);
    m.build();
    expect(m.put({ type: 'project-replaced' })).toEqual([]);
    expect(m.session.isRunGivenUp).toBe(false);
  });

  it('that a person wanted with the keys is named so', () => {
    const m = watch();
    expect(m.put({ type: 'devices-chosen', names: ['two'] })).toEqual(['reload']);
    expect(m.session.chosen).toEqual(['two']);
    m.put({ type: 'project-read', isOther: true, paths: [] });
    expect(m.last('run')?.work.cause).toBe('devices');
  });

  it('that comes to the same builds what changed, and after a failure all the same', () => {
    const m = watch();
    m.put(started);
    m.build();
    m.put(deployed);
    expect(m.put({ type: 'project-read', isOther: false, paths: [] })).toEqual([]);
    m.put({ type: 'project-read', isOther: false, paths: ['/platformio.ini'] });
    expect(m.wake()).toEqual(['run']);
    expect(m.last('run')?.work.cause).toBe('change');
    m.put(unbuilt);
    expect(m.put({ type: 'project-read', isOther: false, paths: [] })).toEqual(['run']);
  });
});

describe('an image that somebody else builds', () => {
  it('that is written during a push is pushed after it', () => {
    const m = watch({ builds: false });
    m.put({ type: 'image-written' });
    m.build();
    expect(m.phase).toBe('deploying');
    expect(m.put({ type: 'image-written' })).toEqual(['inform']);
    expect(m.put(deployed)).toEqual(['run']);
  });

  it('that is written between its reading and its push is pushed after it', () => {
    const m = watch({ builds: false });
    m.put({ type: 'image-written' });
    expect(m.build(true)).toEqual(['inform']);
    expect(m.put(deployed)).toEqual(['run']);
  });

  it('that is written while a run waits for another one is taken after it, where it is still new', () => {
    for (const isImagePending of [true, false]) {
      const m = watch({ builds: false });
      m.put({ type: 'image-written' });
      m.put({ type: 'image-written' });
      expect(m.put({ ...unbuilt, isImagePending })).toEqual(isImagePending ? ['run'] : []);
    }
  });
});

it('a device that was not reached is reported, and listened for', () => {
  const m = watch();
  m.put(started);
  m.build();
  expect(m.put(unreached)).toEqual(['report-missed', 'await-devices']);
});

describe('the driver', () => {
  /** A clock to turn by hand. */
  function handClock() {
    let nowMs = 0;
    const alarms = new Map<() => void, number>();
    const clock: Clock = {
      now: () => nowMs,
      wakeAt(timeMs, wake) {
        alarms.set(wake, timeMs);
        return () => alarms.delete(wake);
      },
    };
    const pass = (ms: number): void => {
      nowMs += ms;
      for (const [wake, atMs] of new Map(alarms)) {
        if (atMs > nowMs) continue;
        alarms.delete(wake);
        wake();
      }
    };
    return { clock, pass, alarms };
  }

  function scene() {
    const { clock, pass, alarms } = handClock();
    const done: string[] = [];
    const stages: string[] = [];
    const driver = createDriver(startSession({ once: false, idleLimitMs: undefined }), clock);
    const begin = (): void =>
      driver.begin(
        {
          facts: () => ({ kind: 'firmware', rules: { filesystem: 'never', stopsBuilds: true } }),
          perform: ({ type }) => done.push(type),
          show: ({ stage }) => stages.push(stage),
        },
        started,
      );
    return { driver, begin, pass, alarms, done, stages };
  }

  it('keeps what happens before the beginning, and begins with the start', () => {
    const { driver, begin, done } = scene();
    driver.put({ type: 'devices-chosen', names: [] });
    expect(done).toEqual([]);
    begin();
    expect(done).toEqual(['run', 'reload']);
  });

  it('has one alarm, which rings when the changes have settled', () => {
    const { driver, begin, pass, alarms, done, stages } = scene();
    begin();
    driver.put(deployed);
    done.length = 0;
    for (let count = 0; count < 5; count += 1) {
      driver.put(saved(0));
      expect(alarms.size).toBe(1);
      pass(1);
    }
    expect(done).toEqual([]);
    pass(1_000);
    expect(done).toEqual(['run']);
    expect(alarms.size).toBe(0);
    expect(stages).not.toContain('ended');
  });

  it('leaves no alarm at the end, however it comes', () => {
    const quit = scene();
    quit.begin();
    quit.driver.put(deployed);
    quit.driver.put(saved(0));
    quit.driver.put({ type: 'quit' });
    expect([quit.alarms.size, quit.done.at(-1), quit.stages.at(-1)]).toEqual([0, 'end', 'ended']);
    const closed = scene();
    closed.begin();
    closed.driver.put(deployed);
    closed.driver.put(saved(0));
    closed.driver.close();
    expect(closed.alarms.size).toBe(0);
  });
});
