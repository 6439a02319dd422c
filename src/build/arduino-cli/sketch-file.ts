import { parse } from 'yaml';
import * as z from 'zod';

/** What of a `sketch.yaml` matters to a build. */
export interface SketchFile {
  readonly fqbn?: string;
  readonly profile?: string;
  readonly port?: string;
  /** Whether a port or its protocol is named, for all or for a profile. */
  readonly namesPort: boolean;
}

const schema = z.object({
  default_fqbn: z.string().min(1).optional().catch(undefined),
  default_profile: z.string().min(1).optional().catch(undefined),
  default_port: z.string().min(1).optional().catch(undefined),
  default_protocol: z.string().min(1).optional().catch(undefined),
  profiles: z.record(z.string(), z.looseObject({})).optional().catch(undefined),
});

/** A file that is no YAML counts as empty: arduino-cli refuses it, in better words. */
export function readSketchFile(text: string): SketchFile {
  const found = schema.safeParse(parseYaml(text)).data;
  const { default_fqbn: fqbn, default_profile: profile, default_port: port } = found ?? {};
  const profiles = Object.values(found?.profiles ?? {});
  return {
    ...(fqbn && { fqbn }),
    ...(profile && { profile }),
    ...(port && { port }),
    namesPort: [
      port,
      found?.default_protocol,
      ...profiles.flatMap((one) => [one['port'], one['protocol']]),
    ].some((value) => value !== undefined),
  };
}

function parseYaml(text: string): unknown {
  try {
    return parse(text, { logLevel: 'error' });
  } catch {
    return undefined;
  }
}
