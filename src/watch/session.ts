/**
 * A watch from its start to its end. Pure: state + input → state + actions, which `driver.ts` carries out. When a run
 * begins is decided by the machine in it (`machine.ts`).
 *
 *                  runs, as machine.ts says
 *                         ┌────┐
 *                         ▼    │      `q` during a push
 *     started ───────▶ watching ┴───────────────────────▶ last push
 *                         │                                   │
 *                         │ `q`, Ctrl-C, a signal,            │ it ends, `q` again,
 *                         │ `--once` done, nothing to do      │ Ctrl-C, a signal
 *                         ▼                                   │
 *                       ended ◀───────────────────────────────┘
 */

import type { OtaError } from '../model/errors.ts';
import { exitCodeFor } from '../model/failure.ts';
import {
  brokenOff,
  builtElsewhereText,
  configurationChanged,
  lastPushText,
  nothingBuilt,
  queuedText,
  quitByPerson,
} from './log.ts';
import { isQueued, phaseOf, startState, watchStep } from './machine.ts';
import type { SessionAction, SessionFacts, SessionInput, WatchInput, WatchState, Work } from './types.ts';

export interface WatchSession {
  readonly stage: 'watching' | 'last-push' | 'ended';
  /** Of the process; undefined until it has ended. */
  readonly exitCode: number | undefined;
  readonly machine: WatchState;
  /** When the input `time` is due for the machine; Infinity: not at all. */
  readonly machineWakesAtMs: number;
  /** The first image has to be touched until then; Infinity: it was, or may be at any time. */
  readonly idleUntilMs: number;
  /** Devices that a person has chosen in place of those on the command line. */
  readonly chosen: readonly string[] | undefined;
  /** The configuration is being read for the sake of that choice. */
  readonly isChoiceDue: boolean;
  readonly wasLastOk: boolean;
  /** Another configuration put an end to the run under way. */
  readonly isRunGivenUp: boolean;
  /** An image was written while the run under way waited for another one, or had failed already. */
  readonly isImageMissed: boolean;
  /** End after the first image that was pushed. */
  readonly once: boolean;
  /** How long nothing at all may happen to an image; undefined: for ever. */
  readonly idleLimitMs: number | undefined;
}

export type SessionStep = readonly [WatchSession, readonly SessionAction[]];

export function startSession(options: Pick<WatchSession, 'once' | 'idleLimitMs'>): WatchSession {
  return {
    ...options,
    stage: 'watching',
    exitCode: undefined,
    machine: startState,
    machineWakesAtMs: Infinity,
    idleUntilMs: Infinity,
    chosen: undefined,
    isChoiceDue: false,
    wasLastOk: true,
    isRunGivenUp: false,
    isImageMissed: false,
  };
}

/** When to put in `time`; Infinity: not at all. */
export function sessionWakeAtMs({ machineWakesAtMs, idleUntilMs, stage }: WatchSession): number {
  return stage === 'ended' ? Infinity : Math.min(machineWakesAtMs, idleUntilMs);
}

export function onSessionInput(session: WatchSession, input: SessionInput, at: SessionFacts): SessionStep {
  const [next, actions] = judge(session, input, at);
  const { stage, exitCode } = session;
  if (stage !== 'ended') return [next, actions];
  // What still runs comes to its end, and nothing begins any more. The first reason counts.
  return [{ ...next, stage, exitCode }, []];
}

function judge(session: WatchSession, input: SessionInput, at: SessionFacts): SessionStep {
  switch (input.type) {
    case 'started':
      return started(session, input, at);
    case 'time':
      return onTime(session, at);
    case 'build-ended':
      return buildEnded(session, input, at);
    case 'run-ended':
      return runEnded(session, input, at);
    case 'image-written': {
      const touched = { ...session, idleUntilMs: Infinity };
      // The run that waits for it sees it by itself, unless another image makes it fail.
      if (phaseOf(session.machine) === 'building') return [{ ...touched, isImageMissed: true }, []];
      return want(touched, { cause: 'image' }, at);
    }
    case 'project-replaced':
      if (session.machine.run === undefined || phaseOf(session.machine) === 'deploying') return [session, []];
      return [{ ...session, isRunGivenUp: true }, [{ type: 'give-up-run', reason: configurationChanged() }]];
    case 'project-read':
      return projectRead(session, input, at);
    case 'idle-reported':
      return end(session, input.exitCode);
    case 'asked': {
      const { force, buildOnly } = input;
      if (buildOnly && !at.rules.stopsBuilds) return [session, [inform(builtElsewhereText)]];
      return want(session, { cause: 'asked', force, buildOnly }, at);
    }
    case 'devices-chosen':
      return [{ ...session, chosen: input.names, isChoiceDue: true }, [{ type: 'reload' }]];
    case 'quit':
      return quit(session);
    case 'interrupted':
      return interrupted(session, input.error);
    default:
      return pass(session, input, at);
  }
}

function started(
  before: WatchSession,
  { isAnyImage, isImagePending }: Extract<SessionInput, { type: 'started' }>,
  at: SessionFacts,
): SessionStep {
  const session = { ...before, idleUntilMs: at.nowMs + (before.idleLimitMs ?? Infinity) };
  if (at.rules.stopsBuilds || (isAnyImage && !session.once)) return want(session, { cause: 'start' }, at);
  return isImagePending ? want(session, { cause: 'image' }, at) : [session, []];
}

function onTime(session: WatchSession, at: SessionFacts): SessionStep {
  const isDue = at.nowMs >= session.machineWakesAtMs;
  const passed = pass(isDue ? { ...session, machineWakesAtMs: Infinity } : session, { type: 'time' }, at);
  if (at.nowMs < session.idleUntilMs) return passed;
  return then(passed, (next) => [
    { ...next, idleUntilMs: Infinity },
    [{ type: 'report-idle', error: nothingBuilt(session.idleLimitMs ?? 0) }],
  ]);
}

function buildEnded(
  session: WatchSession,
  { isImagePending, ...input }: Extract<SessionInput, { type: 'build-ended' }>,
  at: SessionFacts,
): SessionStep {
  const passed = pass(session, input, at);
  // Written again between its reading and this moment.
  const isOutdated = isImagePending && phaseOf(passed[0].machine) === 'deploying';
  return isOutdated ? then(passed, (next) => want(next, { cause: 'image' }, at)) : passed;
}

function runEnded(
  before: WatchSession,
  input: Extract<SessionInput, { type: 'run-ended' }>,
  at: SessionFacts,
): SessionStep {
  const { ok, exitCode, isFinal, settled, missed, isImagePending } = input;
  const ended = { type: 'run-ended', isGivenUp: before.isRunGivenUp, settled, missed } as const;
  const [session, actions] = pass({ ...before, wasLastOk: ok }, ended, at);
  if ((before.once && isFinal) || before.stage === 'last-push') return end(session, exitCode);
  const isMissed = before.isImageMissed && isImagePending && session.machine.run === undefined;
  const [next, more] = isMissed ? want(session, { cause: 'image' }, at) : [session, []];
  const report = missed.length === 0 ? [] : [{ type: 'report-missed', names: missed } as const];
  return [next, [...report, ...actions, ...more]];
}

function projectRead(
  before: WatchSession,
  { isOther, paths }: Extract<SessionInput, { type: 'project-read' }>,
  at: SessionFacts,
): SessionStep {
  const session = { ...before, isChoiceDue: false };
  const cause = before.isChoiceDue && paths.length === 0 ? 'devices' : 'configuration';
  // A run that failed may have done so by what is right now.
  if (isOther || !session.wasLastOk) return want(session, { cause, paths }, at);
  if (paths.length === 0) return [session, []];
  return pass(session, { type: 'changed', kind: at.kind, paths, writtenAtMs: at.nowMs }, at);
}

function quit(session: WatchSession): SessionStep {
  if (phaseOf(session.machine) !== 'deploying') return end(session, 0, quitByPerson());
  if (session.stage === 'last-push') return interrupted(session, brokenOff());
  return [{ ...session, stage: 'last-push' }, [inform(lastPushText)]];
}

function interrupted(session: WatchSession, error: OtaError): SessionStep {
  return end(session, exitCodeFor(error), error);
}

function end(session: WatchSession, exitCode: number, reason?: OtaError): SessionStep {
  return [{ ...session, stage: 'ended', exitCode }, [{ type: 'end', reason }]];
}

function want(
  session: WatchSession,
  work: Partial<Work> & Pick<Work, 'cause'>,
  at: SessionFacts,
): SessionStep {
  const whole: Work = { kind: at.kind, paths: [], force: false, buildOnly: false, ...work };
  return pass(session, { type: 'wanted', work: whole }, at);
}

/** To the machine, and what it wants done. */
function pass(session: WatchSession, input: WatchInput, at: SessionFacts): SessionStep {
  const { state: machine, commands } = watchStep(session.machine, input, at);
  const isLeftAlone =
    input.type === 'changed' && input.kind === 'filesystem' && at.rules.filesystem === 'never';
  const isMore = isQueued(machine) && !isQueued(session.machine) && phaseOf(machine) === 'deploying';
  let next: WatchSession = { ...session, machine };
  const actions: SessionAction[] = isMore && !isLeftAlone ? [inform(queuedText)] : [];
  for (const command of commands) {
    if (command.type === 'wake') next = { ...next, machineWakesAtMs: command.atMs };
    else actions.push(command);
    if (command.type === 'run') next = { ...next, isRunGivenUp: false, isImageMissed: false };
  }
  return [next, actions];
}

function then([session, actions]: SessionStep, more: (session: WatchSession) => SessionStep): SessionStep {
  const [next, others] = more(session);
  return [next, [...actions, ...others]];
}

function inform(message: string): SessionAction {
  return { type: 'inform', message };
}
