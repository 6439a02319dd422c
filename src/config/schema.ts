/**
 * What a configuration file may hold. The schema is the type, and `otarc config --schema` prints it for editors.
 *
 * It knows every key of the contract, also those whose feature a later version brings; `not-yet.ts` says which, and what is
 * printed has of those only the values that this version accepts.
 */

import * as z from 'zod';
import { kinds, type ItemKind, type SettingKind, type ValueOf } from './kinds.ts';
import { portOrEmptyPattern } from '../model/port.ts';
import { settings, type Setting, type SettingKey } from './settings/index.ts';

const text = z.string().min(1);
const list = z.array(text);
const command = list.min(1);

type LeafOf<K extends SettingKey> = z.ZodType<ValueOf<(typeof settings)[K]['kind']>>;

/** A key that the table of settings describes. */
function leaf<K extends SettingKey>(key: K): z.ZodOptional<LeafOf<K>> {
  return value(key).describe(sentenceOf(key)).optional();
}

function sentenceOf(key: SettingKey): string {
  const { about, unsaid }: Setting = settings[key];
  const words = unsaid === undefined ? about : `${about}; default: ${unsaid}`;
  return `${words[0]?.toUpperCase()}${words.slice(1)}.`;
}

/** Its value alone, without words. */
function value<K extends SettingKey>(key: K): LeafOf<K> {
  return schemaOf(settings[key].kind) as LeafOf<K>;
}

function schemaOf(kind: SettingKind): z.ZodType {
  if (kind.type === 'switch') return z.boolean();
  return kind.type === 'list' ? z.array(itemOf(kind.of)) : itemOf(kind);
}

function itemOf(kind: ItemKind): z.ZodType {
  if (kind.type === 'choice') return z.enum(kind.values);
  const { words } = kind;
  if (kind.type === 'number') {
    const { isWhole, least, most } = kind;
    const error = ({ input }: { input?: unknown }): string =>
      typeof input === 'string' ? `${words}, without quotes` : words;
    const number = (isWhole ? z.int({ error }) : z.number({ error })).min(least, { error });
    return most === undefined ? number : number.max(most, { error });
  }
  if (kind.pattern !== undefined) return z.string().regex(kind.pattern, { error: words });
  return kind.accepts === undefined ? text : z.string().refine(kind.accepts, { error: words });
}

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
        .union([value('port'), z.string().regex(portOrEmptyPattern, { error: kinds.port.words })])
        .describe('8266 where it is left out or empty, on every chip.')
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
  host: leaf('host'),
  port: leaf('port'),
  platform: leaf('platform'),
  password: password.optional(),
  passwordHash: leaf('passwordHash'),
  environment: leaf('takes'),
  hostAddress: leaf('hostAddress'),
  hostPort: leaf('hostPort'),
  partitions: leaf('partitions'),
  homeding: leaf('homeding'),
  acceptFrom: leaf('acceptFrom'),
  engine: leaf('engine'),
  verify: verify.optional(),
  ota: ota.optional(),
  device: element.optional(),
});

const build = z.strictObject({
  tool: leaf('tool'),
  environment: leaf('environment'),
  fqbn: leaf('fqbn'),
  profile: leaf('profile'),
  sketch: leaf('sketch'),
  args: leaf('args'),
  command: command.describe('What to run, with `tool: command`.').optional(),
  image: leaf('image'),
  filesystemImage: leaf('filesystemImage'),
});

const watch = z.strictObject({ paths: leaf('watchPaths'), ignore: leaf('watchIgnore') });

const push = z.strictObject({
  parallel: leaf('parallel'),
  gzip: leaf('gzip'),
  skipUnchanged: leaf('skipUnchanged'),
  onFailure: leaf('onFailure'),
  canary: leaf('canary'),
  filesystem: leaf('pushFilesystem'),
  retries: leaf('retries'),
});

const history = z.strictObject({ dir: leaf('historyDir') });

const hook = z.strictObject({ pushOnBuild: leaf('pushOnBuild') });

// `devices:` with nothing behind it is how a YAML file looks while it is being written.
export const configFileSchema = z.strictObject({
  $schema: z.string().describe('For editors; otarc does not read it.').optional(),
  device: z
    .union([text, element])
    .describe('The default target; without `devices`: the one device, found by that name or address.')
    .optional(),
  ota: ota.optional(),
  devices: z
    .record(
      text,
      z.union([value('host').describe('Short form: only the name or address.'), z.null(), device]),
    )
    .nullable()
    .describe('The devices, by the name they announce.')
    .optional(),
  groups: z.record(text, list.min(1)).nullable().describe('Names for several devices.').optional(),
  build: build.nullable().describe('How the image is built.').optional(),
  watch: watch.nullable().describe('What makes `otarc watch` deploy.').optional(),
  push: push.nullable().describe('How images go to the devices.').optional(),
  history: history.nullable().describe('What was pushed earlier, and the images to go back to.').optional(),
  hook: hook.nullable().describe('What the hook in the build tool does.').optional(),
  verify: verify.nullable().describe('Proof that the new image runs.').optional(),
  interfaces: value('interfaces').nullable().describe(sentenceOf('interfaces')).optional(),
});

export type ConfigFile = z.infer<typeof configFileSchema>;
export type DeviceSettings = z.infer<typeof device>;
export type PasswordSetting = z.infer<typeof password>;

/** A HomeDing `env.json`: of all its elements, the two that matter here. */
export const homedingSchema = z.looseObject({ ota: ota.optional(), device: element.optional() });
export type HomedingFile = z.infer<typeof homedingSchema>;

/** Of every object in a configuration file. */
export const knownKeys: ReadonlySet<string> = new Set(
  [configFileSchema, device, build, watch, push, history, hook, verify].flatMap(({ shape }) =>
    Object.keys(shape),
  ),
);
