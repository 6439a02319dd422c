/**
 * What a configuration file may hold. The schema is the type, and `otarc config --schema` prints it for editors.
 *
 * It knows every key of the contract, also those whose feature a later version brings; `not-yet.ts` says which, and what is
 * printed has of those only the values that this version accepts.
 */

import { isIP } from 'node:net';
import * as z from 'zod';
import { engineNames, platforms } from '../model/types.ts';
import { parseHost } from './address.ts';

const text = z.string().min(1);
const list = z.array(text);
const port = z.int().min(1).max(65_535);
const command = list.min(1);
const host = z.string().refine((value) => parseHost(value) !== undefined, {
  error: 'must be a host name or an address, with `:port` where needed',
});

const password = z
  .union([
    text.describe('The password itself. Anybody who may read this file may read it.'),
    z.strictObject({
      env: text.describe(
        'Name of the variable that holds it: in the environment, else in .otarc.env beside this file.',
      ),
    }),
    z.strictObject({ file: text.describe('File whose first line it is.') }),
    z.strictObject({
      command: command.describe('Program and arguments; the first line it prints is taken.'),
    }),
  ])
  .describe('What the sketch was given by ArduinoOTA.setPassword.');

const ota = z
  .looseObject({
    '0': z.looseObject({
      port: z
        .union([port, z.string().regex(/^\d{1,5}$/)])
        .describe('8266 where it is left out, on every chip.')
        .optional(),
      passwd: z.string().describe('Empty: none.').optional(),
    }),
  })
  .describe("The OTA element of a device's own HomeDing JSON.");

const element = z
  .looseObject({
    '0': z.looseObject({ name: text.describe('The name the device announces.').optional() }).optional(),
  })
  .describe("The device element of a device's own HomeDing JSON.");

const seconds = z.number().positive().max(3600);

const verify = z
  .strictObject({
    method: z
      .enum(['auto', 'none', 'announce', 'http', 'command', 'return'])
      .describe('How a device proves that the new image runs.')
      .optional(),
    timeoutSeconds: seconds.optional(),
    http: z.strictObject({ url: text, contains: text.optional() }).optional(),
    command: command.optional(),
  })
  .describe('Proof that the new image runs.');

const device = z.strictObject({
  host: host
    .describe('Name or address; default: the key, looked up over mDNS, then by the system.')
    .optional(),
  port: port.describe('UDP port; default: what the device announces, else by platform.').optional(),
  platform: z
    .enum(platforms)
    .describe('Default: what the device announces, else what the image is for.')
    .optional(),
  password: password.optional(),
  passwordHash: z
    .string()
    // Without the flag `i`, which a JSON schema cannot hold.
    .regex(/^(?:[\dA-Fa-f]{32}|[\dA-Fa-f]{64})$/, { error: 'must be 32 or 64 hexadecimal digits' })
    .describe('Where only the hash is known: MD5 (32 hexadecimal digits) or SHA-256 (64).')
    .optional(),
  environment: text
    .describe('The build environment whose image it takes; default: any that fits.')
    .optional(),
  hostAddress: z
    .string()
    .refine((value) => isIP(value) !== 0, { error: 'must be an IP address' })
    .describe('Address of this host to send from; the device connects back to it.')
    .optional(),
  hostPort: port
    .describe('TCP port of this host that the device connects back to; default: any free.')
    .optional(),
  partitions: text
    .describe("Partition table (.csv or .bin) to check sizes against; default: the build's own.")
    .optional(),
  homeding: text
    .describe(
      "The device's own HomeDing JSON (data/env.json, or http://NAME/env.json from the device itself): name, port and password are read from it.",
    )
    .optional(),
  acceptFrom: z
    .enum(['device', 'any'])
    .describe("Who may connect back; `any` behind a container's port proxy. Default: device.")
    .optional(),
  engine: z.enum(engineNames).describe('How it is pushed. Default: espota.').optional(),
  verify: verify.optional(),
  ota: ota.optional(),
  device: element.optional(),
});

const build = z.strictObject({
  tool: z.enum(['pio', 'arduino-cli', 'command']).describe('Default: found from the folder.').optional(),
  environment: text.describe('PlatformIO environment; default: default_envs, else the only one.').optional(),
  fqbn: text.describe('arduino-cli board; default: what sketch.yaml says.').optional(),
  profile: text.describe('arduino-cli build profile of sketch.yaml.').optional(),
  sketch: text
    .describe(
      'Folder of the sketch or project; default: the working folder where it holds one, else the folder of this file.',
    )
    .optional(),
  args: list.describe('More arguments for the build tool.').optional(),
  command: command.describe('What to run, with `tool: command`.').optional(),
  image: text.describe('The image that the command leaves.').optional(),
  filesystemImage: text.describe('The file-system image that the command leaves.').optional(),
});

const watch = z.strictObject({
  paths: list.describe('More to watch, beside what the build tool names.').optional(),
  ignore: list.describe('What to leave out: patterns as in a .gitignore.').optional(),
});

const push = z.strictObject({
  parallel: z.int().min(1).describe('How many devices at the same time.').optional(),
  gzip: z.boolean().describe('Push compressed where the device can unpack it.').optional(),
  skipUnchanged: z.boolean().describe('Leave out devices that run the image already.').optional(),
  onFailure: z.enum(['continue', 'stop']).describe('What a failed device means for the others.').optional(),
  canary: z.int().min(0).describe('How many devices go first, alone.').optional(),
  filesystem: z
    .enum(['never', 'on-change'])
    .describe('When to push the file-system image as well.')
    .optional(),
  retries: z.int().min(0).describe('How often to try again what may succeed later.').optional(),
});

const hook = z.strictObject({
  pushOnBuild: z.boolean().describe('Push after each build of the tool that the hook is in.').optional(),
});

// `devices:` with nothing behind it is how a YAML file looks while it is being written.
export const configFileSchema = z.strictObject({
  $schema: z.string().describe('For editors; otarc does not read it.').optional(),
  device: z
    .union([text, element])
    .describe('The default target; without `devices`: the one device, found by that name or address.')
    .optional(),
  ota: ota.optional(),
  devices: z
    .record(text, z.union([host.describe('Short form: only the name or address.'), z.null(), device]))
    .nullable()
    .describe('The devices, by the name they announce.')
    .optional(),
  groups: z.record(text, list.min(1)).nullable().describe('Names for several devices.').optional(),
  build: build.nullable().describe('How the image is built.').optional(),
  watch: watch.nullable().describe('What makes `otarc watch` deploy.').optional(),
  push: push.nullable().describe('How images go to the devices.').optional(),
  hook: hook.nullable().describe('What the hook in the build tool does.').optional(),
  verify: verify.nullable().describe('Proof that the new image runs.').optional(),
  interfaces: list
    .nullable()
    .describe(
      'Network interfaces (names or addresses) for mDNS and the listening socket; default: all suitable.',
    )
    .optional(),
});

export type ConfigFile = z.infer<typeof configFileSchema>;
export type DeviceSettings = z.infer<typeof device>;
export type PasswordSetting = z.infer<typeof password>;

/** A HomeDing `env.json`: of all its elements, the two that matter here. */
export const homedingSchema = z.looseObject({ ota: ota.optional(), device: element.optional() });
export type HomedingFile = z.infer<typeof homedingSchema>;

/** Of every object in a configuration file. */
export const knownKeys: ReadonlySet<string> = new Set(
  [configFileSchema, device, build, watch, push, hook, verify].flatMap(({ shape }) => Object.keys(shape)),
);
