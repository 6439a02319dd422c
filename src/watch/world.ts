/** What a watch acts on: carries out what the session decides, and shows what it comes to. */

import { runPlan, type RunContext, type RunResult } from '../deploy/run.ts';
import type { BuildOutput } from './build-output.ts';
import type { WatchDriver, World } from './driver.ts';
import type { OutsideImages } from './images.ts';
import type { Keeper } from './keeper.ts';
import { leftAloneText, productsText, type WatchLog } from './log.ts';
import { isQueued, phaseOf } from './machine.ts';
import type { Missed } from './missed.ts';
import type { Shown, WatchProjectOptions } from './options.ts';
import { outcomesOf } from './outcomes.ts';
import { filesIn } from './pending.ts';
import { goneDataOf, rulesOf } from './project.ts';
import type { Runner } from './runner.ts';
import type { WatchSession } from './session.ts';
import type { Phase, SessionAction, Work } from './types.ts';

/** What is there before the project is read. */
export interface WatchScene {
  readonly options: WatchProjectOptions;
  readonly context: RunContext;
  readonly driver: WatchDriver;
  readonly log: WatchLog;
  /** Of the build tool. */
  readonly output: BuildOutput;
  /** Aborted at the end of the watch, however it comes. */
  readonly ending: AbortController;
  readonly phase: () => Phase;
}

export interface WatchParts {
  readonly keeper: Keeper;
  readonly images: OutsideImages;
  readonly runner: Runner;
  readonly missed: Missed;
  /** The run under way, or the last one. */
  running: Promise<void>;
}

export function worldOf(scene: WatchScene, parts: WatchParts): World {
  const { options, context, driver, log, ending } = scene;
  const { keeper, images, runner, missed } = parts;

  const run = async (work: Work): Promise<void> => {
    const result = await runner.run(work);
    reportDeployed(work, result, scene, keeper);
    const { settled, missed: unreached, isFinal } = outcomesOf(result);
    const isImagePending = images.current?.isPending === true;
    const { ok, exitCode } = result;
    driver.put({ type: 'run-ended', ok, exitCode, isFinal, settled, missed: unreached, isImagePending });
  };
  const perform = (action: SessionAction): void => {
    switch (action.type) {
      case 'run':
        missed.stop();
        parts.running = run(action.work);
        return;
      case 'stop-builds':
        return runner.stopBuilds();
      case 'build-again':
        return runner.buildAgain(action.work);
      case 'give-up-run':
        return runner.giveUp(action.reason);
      case 'leave-alone':
        return log.inform(leftAloneText(action.paths, goneDataOf(keeper.current)));
      case 'products-found':
        return log.warn(productsText(action.paths));
      case 'inform':
        return log.inform(action.message);
      case 'report-missed':
        return missed.tell(action.names);
      case 'await-devices':
        return missed.listenFor(action.names, action.atOnce);
      case 'reload':
        return keeper.reloadSoon();
      case 'report-idle':
        void runPlan(() => Promise.reject(action.error), context).then(({ exitCode }) =>
          driver.put({ type: 'idle-reported', exitCode }),
        );
        return;
      case 'end':
        return ending.abort(action.reason);
      default:
        action satisfies never;
    }
  };
  return {
    facts: () => ({ rules: rulesOf(keeper.current, options.build), kind: keeper.current.kind }),
    perform,
    show: (session) => options.onState?.(shownOf(session, scene, keeper)),
  };
}

function reportDeployed(
  { kind }: Work,
  result: RunResult,
  { options }: WatchScene,
  { current: project }: Keeper,
): void {
  const { deployed } = outcomesOf(result);
  if (deployed.length === 0) return;
  const secretVariables = project.planOf(kind).images.flatMap(({ request }) => request.secretVariables ?? []);
  options.onDeployed?.({ devices: deployed, secretVariables });
}

function shownOf({ machine }: WatchSession, { options }: WatchScene, { current: project }: Keeper): Shown {
  return {
    phase: phaseOf(machine),
    isPaused: machine.isPaused,
    isQueued: isQueued(machine),
    devices: project.devices.map(({ name }) => name),
    builds: options.build,
    changed: filesIn(machine.pending),
  };
}
