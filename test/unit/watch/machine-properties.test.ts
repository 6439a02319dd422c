import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { phaseOf, startState, watchStep } from '../../../src/watch/machine.ts';
import type { WatchInput, WatchRules, WatchState, Work } from '../../../src/watch/types.ts';

/** What a world around the machine may do; it answers commands as the loop does. */
const happening = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant('save'), data: fc.boolean(), file: fc.nat(30) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('wait'), ms: fc.nat(700) }) },
  { weight: 3, arbitrary: fc.constant({ type: 'build-goes-on' }) },
  { weight: 1, arbitrary: fc.constant({ type: 'build-fails' }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('run-ends'), isOwed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ type: 'redeploy' }) },
  { weight: 1, arbitrary: fc.constant({ type: 'build-only' }) },
  { weight: 1, arbitrary: fc.constant({ type: 'seen' }) },
  { weight: 1, arbitrary: fc.constant({ type: 'pause' }) },
  { weight: 2, arbitrary: fc.constant({ type: 'resume' }) },
  { weight: 1, arbitrary: fc.constant({ type: 'configuration-changes' }) },
  { weight: 2, arbitrary: fc.constant({ type: 'configuration-is-read' }) },
) as fc.Arbitrary<{ type: string; data?: boolean; file?: number; ms?: number; isOwed?: boolean }>;

/** A world with files that have versions: what an image holds is what was saved when its build began. */
function world(rules: WatchRules) {
  let state: WatchState = startState;
  let nowMs = 0;
  let wakeAtMs = Infinity;
  let isPaused = false;
  const saved = { firmware: 0, filesystem: 0 };
  const deployed = { firmware: 0, filesystem: 0 };
  const configured = { saved: 0, read: 0, deployed: 0 };
  let run:
    | {
        work: Work;
        building: number | undefined;
        made: number | undefined;
        configuration: number;
        isGivenUp: boolean;
      }
    | undefined;
  let isStopping = false;
  let runs = 0;

  const put = (input: WatchInput): void => {
    const next = watchStep(state, input, { nowMs, rules });
    state = next.state;
    for (const command of next.commands) {
      switch (command.type) {
        case 'run':
          expect(run, 'two runs at once').toBeUndefined();
          expect(configured.read, 'by an old configuration').toBe(configured.saved);
          runs += 1;
          run = {
            work: command.work,
            building: undefined,
            made: undefined,
            configuration: configured.read,
            isGivenUp: false,
          };
          startBuild();
          break;
        case 'stop-builds':
          expect(run?.building, 'nothing to stop').toBeDefined();
          isStopping = true;
          break;
        case 'build-again':
          expect(run?.building, 'the old build still runs').toBeUndefined();
          startBuild();
          break;
        case 'wake':
          expect(command.atMs).toBeGreaterThan(nowMs);
          wakeAtMs = command.atMs;
          break;
        default:
          break;
      }
    }
  };
  const startBuild = (): void => {
    if (run === undefined) return;
    run.building = saved[run.work.kind];
    put({ type: 'build-started' });
  };
  const endBuild = (how: 'made' | 'failed'): void => {
    if (run?.building === undefined) return;
    const version = run.building;
    run.building = undefined;
    const really = isStopping || run.isGivenUp ? 'stopped' : how;
    isStopping = false;
    if (really === 'made') run.made = version;
    const { isGivenUp } = run;
    // What was given up ends before anything else begins.
    if (isGivenUp) run = undefined;
    put({ type: 'build-ended', how: really });
    if (really !== 'failed' && !isGivenUp) return;
    run = undefined;
    put({ type: 'run-ended', isGivenUp, settled: [], missed: [] });
  };
  const endRun = (isOwed: boolean): void => {
    if (run?.made === undefined || run.building !== undefined) return;
    const { made, configuration, isGivenUp } = run;
    const { kind, buildOnly } = run.work;
    const isTried = !buildOnly && !isGivenUp;
    if (isTried && !isOwed) {
      deployed[kind] = made;
      if (kind === 'firmware') configured.deployed = configuration;
    }
    run = undefined;
    const names = isTried ? ['hall'] : [];
    put({ type: 'run-ended', isGivenUp, settled: isOwed ? [] : names, missed: isOwed ? names : [] });
  };
  const readConfiguration = (): void => {
    if (configured.read === configured.saved) return;
    configured.read = configured.saved;
    if (run !== undefined && phaseOf(state) !== 'deploying') run.isGivenUp = true;
    const more = { paths: [], force: false, buildOnly: false } as const;
    put({ type: 'wanted', work: { kind: 'firmware', cause: 'configuration', ...more } });
    put({ type: 'configuration-read' });
  };
  const wait = (ms: number): void => {
    const until = nowMs + ms;
    while (wakeAtMs <= until) {
      nowMs = Math.max(nowMs, wakeAtMs);
      wakeAtMs = Infinity;
      put({ type: 'time' });
    }
    nowMs = until;
  };
  return {
    saved,
    deployed,
    configured,
    get runs() {
      return runs;
    },
    get isIdle() {
      return run === undefined;
    },
    happen({
      type,
      data = false,
      file = 0,
      ms = 0,
      isOwed = false,
    }: {
      type: string;
      data?: boolean;
      file?: number;
      ms?: number;
      isOwed?: boolean;
    }): void {
      const kind = data ? 'filesystem' : 'firmware';
      if (type === 'save') {
        saved[kind] += 1;
        put({ type: 'changed', kind, paths: [`/${kind}/${file}`], writtenAtMs: nowMs });
      } else if (type === 'wait') wait(ms);
      else if (type === 'build-goes-on') endBuild('made');
      else if (type === 'build-fails') endBuild('failed');
      else if (type === 'run-ends') endRun(isOwed);
      else if (type === 'seen') put({ type: 'device-seen' });
      else if (type === 'configuration-is-read') readConfiguration();
      else if (type === 'configuration-changes') {
        configured.saved += 1;
        put({ type: 'configuration-due' });
      } else if (type === 'pause' || type === 'resume') {
        isPaused = type === 'pause';
        put({ type: isPaused ? 'paused' : 'resumed' });
      } else {
        const buildOnly = type === 'build-only';
        put({ type: 'wanted', work: { kind, cause: 'asked', paths: [], force: !buildOnly, buildOnly } });
      }
    },
    /** From now on all goes well, and nobody saves anything. */
    comeToRest(): void {
      if (isPaused) put({ type: 'resumed' });
      readConfiguration();
      for (let turn = 0; turn < 20; turn += 1) {
        wait(10_000);
        endBuild('made');
        endRun(false);
      }
    },
  };
}

describe('whatever happens', () => {
  it('there is one run at a time, and in the end the last save of each kind is on the device', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 80 }), (happenings) => {
        const w = world({ filesystem: 'on-change', stopsBuilds: true });
        for (const each of happenings) w.happen(each);
        // A build that failed, or a push that did, is tried again by the next save.
        w.happen({ type: 'save' });
        w.happen({ type: 'save', data: true });
        w.comeToRest();
        expect(w.isIdle).toBe(true);
        expect(w.deployed).toEqual(w.saved);
        expect(w.configured.deployed).toBe(w.configured.saved);
      }),
      { numRuns: 3_000 },
    );
  });

  it('it comes to rest, and stays there', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const w = world({ filesystem: 'never', stopsBuilds: true });
        for (const each of happenings) w.happen(each);
        w.comeToRest();
        const { runs } = w;
        w.happen({ type: 'wait', ms: 600_000 });
        w.comeToRest();
        expect(w.runs).toBe(runs);
      }),
      { numRuns: 1_000 },
    );
  });

  it('saves during one push, however many, make one more run', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200), { minLength: 1, maxLength: 60 }), (gaps) => {
        const w = world({ filesystem: 'never', stopsBuilds: true });
        w.happen({ type: 'save' });
        w.happen({ type: 'wait', ms: 100 });
        w.happen({ type: 'build-goes-on' });
        for (const ms of gaps) {
          w.happen({ type: 'save' });
          w.happen({ type: 'wait', ms });
        }
        expect(w.runs).toBe(1);
        w.happen({ type: 'run-ends' });
        w.comeToRest();
        expect(w.runs).toBe(2);
        expect(w.deployed.firmware).toBe(w.saved.firmware);
      }),
    );
  });
});
