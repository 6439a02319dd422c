/** `otarc logs`: what devices print, until it is interrupted. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { detectTool } from '../../builders/detect.ts';
import { childEnvironment } from '../../model/child-environment.ts';
import { findExecutable } from '../../builders/executable.ts';
import { serialPort } from '../../builders/arduino-cli/sketch-upload.ts';
import { findSketchFile } from '../../builders/arduino-cli/sketch-file.ts';
import { toolMissing } from '../../builders/failures.ts';
import { findPio } from '../../builders/pio/project.ts';
import { loadConfig, selectDevices } from '../../config/index.ts';
import type { Config, DeviceConfig, Flags } from '../../config/types.ts';
import { buildRequestOf } from '../../deploy/plan.ts';
import { cancelled, messageOf, OtaError } from '../../model/errors.ts';
import { exitCodeFor } from '../../model/failure.ts';
import { findHost } from '../../network/find-host.ts';
import { openLogs } from '../../network/logs/open.ts';
import { logLinesTo } from '../terminal/log-lines.ts';
import { jsonText, printLine } from '../terminal/print.ts';
import type { Io } from './io.ts';

export interface LogsOptions {
  readonly flags: Flags;
  readonly targets: readonly string[];
  readonly all: boolean;
  /** One object a line: `at`, `device`, `line`. */
  readonly json: boolean;
}

/** Resolves to 130 when it is interrupted, which is how it ends; to the status of the monitor for `logs: serial`. */
export async function logsCommand({ flags, targets, all, json }: LogsOptions, io: Io): Promise<number> {
  const { env, signal, stdout, stderr } = io;
  const { config, warnings } = await loadConfig({ command: 'logs', flags, env, signal, findHost });
  for (const warning of warnings) printLine(stderr, `warning: ${warning}`);
  const devices = selectDevices(config, { targets, all });
  const [only] = devices;
  if (devices.length === 1 && only?.logs?.type === 'serial') {
    if (!json) return monitor(config, only, io);
    throw new OtaError(
      'USAGE',
      `${only.name}: \`logs: serial\` is the build tool's own monitor, without \`--json\`.`,
      {
        hint: 'Leave `--json` out, or set another source.',
      },
    );
  }
  const ending = new AbortController();
  const atOf = (): string => new Date().toISOString();
  const write = json
    ? logLinesTo(stdout, { leftOut: (leftOut) => jsonText({ at: atOf(), leftOut }) })
    : logLinesTo(stdout);
  const logs = openLogs({
    devices,
    ...(json && { labels: [] }),
    signal: AbortSignal.any([signal, ending.signal]),
    env,
    secretVariables: config.secretVariables ?? [],
    print: (line, device) => write(json ? jsonText({ at: atOf(), device, line }) : line),
    note: (text) => printLine(stderr, text),
  });
  await logs.ended.finally(() => ending.abort());
  return exitCodeFor(cancelled(signal));
}

/** The build tool's own, with the terminal: its keys, its filters, its Ctrl-C. */
export async function monitor(config: Config, { environment }: DeviceConfig, io: Io): Promise<number> {
  const { env, signal } = io;
  const { build } = config;
  const tool = build.tool ?? (await detectTool(buildRequestOf({ config, command: undefined })));
  if (tool === 'command')
    throw new OtaError('CONFIG_INVALID', '`logs: serial` needs PlatformIO or arduino-cli to read the port.', {
      hint: 'Set `logs: { command: [PROGRAM, …] }` with a monitor of your own.',
    });
  const named = environment ?? build.environment;
  const args =
    tool === 'pio'
      ? ['device', 'monitor', ...(named === undefined ? [] : ['-e', named])]
      : ['monitor', '--port', await serialPortOf(build)];
  // Found as for a build: PlatformIO's own installer puts nothing on PATH.
  const file = tool === 'pio' ? (await findPio({ env })).file : await findExecutable({ names: [tool], env });
  if (file === undefined) throw toolMissing({ tool, file: tool });
  const child = spawn(file, args, {
    cwd: build.sketch,
    env: childEnvironment(env, { secretVariables: config.secretVariables ?? [], texts: [] }),
    stdio: 'inherit',
    signal,
  });
  try {
    const [code, ended] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    if (signal.aborted || ended !== null) return exitCodeFor(cancelled(signal));
    return code ?? 1;
  } catch (cause) {
    if (signal.aborted) return exitCodeFor(cancelled(signal));
    throw new OtaError('BUILD_TOOL_MISSING', `${tool} cannot be started: ${messageOf(cause)}`, { cause });
  }
}

/** PlatformIO looks for a port by itself; arduino-cli has to be given one, and would take one of the network too. */
async function serialPortOf({ sketch, profile }: Config['build']): Promise<string> {
  const file = await findSketchFile(sketch);
  const chosen = file.profiles.get(profile ?? file.profile?.value ?? '');
  const port = serialPort(chosen ?? {}) ?? serialPort(file);
  if (port !== undefined) return port;
  throw new OtaError('CONFIG_INVALID', '`logs: serial`: nothing says which serial port arduino-cli reads.', {
    hint: 'Set `default_port:` in sketch.yaml (such as /dev/ttyUSB0 or COM3), or in .otarc `logs: { command: [arduino-cli, monitor, --port, PORT] }`.',
  });
}
