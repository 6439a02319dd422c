/** The errors of a build in words, each with its cure. */

import { OtaError, messageOf } from '../model/errors.ts';
import { redactedWords } from '../model/redaction.ts';
import type { Artifact, BuildTool } from '../model/types.ts';
import { lastLines } from './output-end.ts';

const TAIL_LINES = 20;

interface MissingTool {
  readonly tool: BuildTool;
  /** What was looked for. */
  readonly file: string;
  readonly cause?: unknown;
  readonly system?: NodeJS.Platform;
}

export function toolMissing({ tool, file, cause, system = process.platform }: MissingTool): OtaError {
  const known = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const why =
    cause === undefined || known === 'ENOENT' ? 'was not found' : `cannot be run: ${messageOf(cause)}`;
  return new OtaError('BUILD_TOOL_MISSING', `The build tool \`${file}\` ${why}.`, {
    hint: installHint(tool, system),
    details: { tool, file },
    cause,
  });
}

function installHint(tool: BuildTool, system: NodeJS.Platform): string {
  switch (tool) {
    case 'pio':
      if (system === 'win32')
        return 'Install PlatformIO with `py -m pip install platformio`, or put `pio` on PATH.';
      if (system === 'darwin')
        return 'Install PlatformIO with `brew install platformio`, or put `pio` on PATH.';
      return 'Install PlatformIO with `pipx install platformio`, or put `pio` on PATH.';
    case 'arduino-cli':
      if (system === 'win32')
        return 'Install it with `winget install ArduinoSA.CLI`, or put `arduino-cli` on PATH.';
      if (system === 'darwin')
        return 'Install it with `brew install arduino-cli`, or put `arduino-cli` on PATH.';
      return 'Install it from https://arduino.github.io/arduino-cli/latest/installation/, or put `arduino-cli` on PATH.';
    case 'command':
      return 'Check the first word of `build.command` in .otarc (or after `--`): it must be on PATH, or be a path from the project folder.';
    default:
      return tool satisfies never;
  }
}

interface FailedEnd {
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
  readonly outputEnd: string;
}

export function buildFailed(line: readonly string[], end: FailedEnd): OtaError {
  const command = redactedWords(line);
  const how =
    end.signal === undefined ? `ended with exit code ${end.exitCode}` : `was ended by ${end.signal}`;
  return new OtaError('BUILD_FAILED', `The build failed: \`${command.join(' ')}\` ${how}.`, {
    ...(end.signal === undefined
      ? {}
      : { hint: 'Something outside otarc ended the build (out of memory, a time limit?): build again.' }),
    details: {
      command,
      exitCode: end.exitCode,
      ...(end.signal === undefined ? {} : { signal: end.signal }),
      tail: lastLines(end.outputEnd, TAIL_LINES),
    },
  });
}

interface LostImage {
  /** What should be there. */
  readonly what: string;
  /** The file, or the folder. */
  readonly path: string;
  /** What was run; absent when nothing was. */
  readonly command?: readonly string[];
}

export function imageNotFound({ what, path, command: line }: LostImage): OtaError {
  const command = line && redactedWords(line);
  const run = command?.join(' ');
  const message =
    run === undefined
      ? `There is no ${what} at ${path}.`
      : `\`${run}\` ended well, but left no ${what} at ${path}.`;
  return new OtaError('IMAGE_NOT_FOUND', message, {
    ...(run === undefined
      ? {}
      : { hint: 'Check what the command builds, and where: `build.image` in .otarc names the file.' }),
    details: { path, ...(command === undefined ? {} : { command }) },
  });
}

/** The tool was asked where its image is, and gave this for an answer. */
export function imageUnknown(tool: Artifact['tool'], answer: string): OtaError {
  const said = lastLines(answer, TAIL_LINES);
  return new OtaError(
    'IMAGE_NOT_FOUND',
    `${tool} does not say where its image is: ${said.at(-1) ?? 'no answer'}`,
    {
      hint: 'Build the project and fix what the tool reports.',
      details: { tool, tail: said },
    },
  );
}
