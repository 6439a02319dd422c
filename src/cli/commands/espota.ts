/**
 * `otarc espota`: the flags and the exit status of the cores' espota.py, for build scripts and upload recipes that call
 * that today. It reads no configuration, and 1 is the only failure it knows.
 */

import { resolve } from 'node:path';
import { colorOf } from '../terminal/color.ts';
import type { CredentialSource } from '../../config/types.ts';
import { espota as engine } from '../../engines/espota/index.ts';
import { makePlan } from '../../deploy/plan.ts';
import { runPlan } from '../../deploy/run.ts';
import { allowableCodes } from '../../model/allowable.ts';
import { passwordVariable, Secret } from '../../model/secret.ts';
import { defaultPorts } from '../../engines/espota/ports.ts';
import { reporterFor } from './deploy.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import type { Io } from './io.ts';

/** Named as espota.py names its flags. */
export interface EspotaOptions {
  readonly ip: string;
  readonly port?: number;
  readonly host_ip?: string;
  readonly host_port?: number;
  readonly auth?: string;
  readonly file: string;
  readonly spiffs?: boolean;
  readonly debug?: boolean;
  readonly progress?: boolean;
  /** Seconds that an invitation may stay unanswered. */
  readonly timeout?: number;
}

export async function espotaCommand(options: EspotaOptions, io: Io): Promise<number> {
  const { ip, port, host_ip: hostIp, host_port: hostPort, auth } = options;
  const reporter = reporterFor(
    {
      json: false,
      verbosity: options.debug === true ? 'verbose' : 'normal',
      color: colorOf(io.env),
    },
    io,
  );
  const kind = options.spiffs === true ? 'filesystem' : 'firmware';
  const plan = makePlan({
    source: 'file',
    file: resolve(io.cwd, options.file),
    fileKind: kind,
    config: { build: { sketch: io.cwd, args: [] }, kind },
    devices: [
      withoutUndefined({
        name: ip,
        host: ip,
        acceptFrom: 'device' as const,
        engine: 'espota' as const,
        wording: 'espota' as const,
        interfaces: [],
        credentialSource: credentialOf(auth, { ip, env: io.env }),
        // A file system carries no mark of its chip; the ESP8266 core's espota.py takes 8266 then.
        port: port ?? (kind === 'filesystem' ? defaultPorts.esp8266 : undefined),
        hostAddress: hostIp === '0.0.0.0' ? undefined : hostIp,
        hostPort,
      }),
    ],
  });
  const { ok, exitCode } = await runPlan(() => Promise.resolve(plan), {
    // espota.py shows progress only when it is asked to.
    onEvent: (event) =>
      event.type === 'progress' && options.progress !== true ? undefined : reporter.tell(event),
    signal: io.signal,
    engine,
    // espota.py sends whatever it is given to whatever port it is given, and has no flag that passes a check.
    allowed: new Set(allowableCodes),
    dryRun: false,
    env: io.env,
    stdin: io.stdin,
    output: io.stderr,
    // Its callers wait for the end, as espota.py comes to it.
    returnMs: 0,
    silenceLimitMs: options.timeout === undefined ? undefined : options.timeout * 1000,
  });
  return ok ? 0 : exitCode > 128 ? exitCode : 1;
}

/** The flag, else what the environment says; build tools hand over an empty password where there is none. */
function credentialOf(
  password: string | undefined,
  { ip, env }: { readonly ip: string; readonly env: NodeJS.ProcessEnv },
): CredentialSource {
  if (password !== undefined && password !== '') return { type: 'text', secret: new Secret(password) };
  const variable = [passwordVariable(ip), 'OTARC_PASSWORD'].find((each) => Boolean(env[each]));
  return variable === undefined ? { type: 'none' } : { type: 'env', variable };
}
