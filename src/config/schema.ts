/**
 * What a configuration file may hold. The schema is the type, and `otarc config --schema` prints it for editors.
 *
 * It knows every key of the contract, also those whose feature a later version brings; `not-yet.ts` says which, and what is
 * printed has of those only the values that this version accepts.
 */

import * as z from 'zod';
import { isPattern } from '../model/bounded-pattern.ts';
import { isProofUrl, pointerPattern, proofUrlWords, verifyMethods } from './proof-texts.ts';
import { kinds, type ItemKind, type SettingKind, type ValueOf } from './kinds.ts';
import { logSourceWords, parseLogSource } from '../model/log-source.ts';
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

const httpProof = z
  .strictObject({
    url: z
      .string()
      .regex(/^https?:\/\//, { error: proofUrlWords, abort: true })
      .refine(isProofUrl, { error: proofUrlWords })
      .describe('Asked again and again until its answer says the expected thing.'),
    contains: text.describe('A text that the answer has in it.').optional(),
    matches: z
      .string()
      .min(1)
      .refine(isPattern, { error: 'must be a regular expression of JavaScript' })
      .describe('A regular expression that matches the answer.')
      .optional(),
    json: z
      .strictObject({
        pointer: z
          .string()
          .regex(pointerPattern, { error: 'must be a JSON pointer, such as /firmware/md5' })
          .describe('JSON pointer into the answer, such as /firmware/md5.'),
        equals: z.union([z.string(), z.number(), z.boolean()]).describe('The value that is found there.'),
      })
      .describe('A value in an answer that is JSON.')
      .optional(),
  })
  .describe(
    'What the device says over HTTP once the new image runs: exactly one of contains, matches, json. {address}, {name}, {md5}, {version} and {identity} are replaced.',
  );

const proof = z.strictObject({
  method: z
    .enum(verifyMethods)
    .describe('How a device proves that the new image runs; default: auto.')
    .optional(),
  timeoutSeconds: leaf('verifySeconds'),
  http: httpProof.optional(),
  command: command
    .describe('Program and arguments; it runs again each second until its exit status is 0.')
    .optional(),
});

const verify = z
  .union([proof, z.enum(verifyMethods).describe('Short form: only the method.'), z.null()])
  .describe('Proof that the new image runs.');

const logs = z
  .union([
    z.strictObject({
      command: command.describe('Program and arguments; {address} and {name} are replaced.'),
    }),
    z
      .string()
      .regex(/^(?:serial$|[a-z]+:\/\/)/, { error: logSourceWords, abort: true })
      .refine((given) => parseLogSource(given) !== undefined, { error: logSourceWords }),
  ])
  .describe(
    'Where what the device prints is read: tcp://{address}:23 (telnet, ser2net), http://{address}/events (server-sent events), udp://:5514 (syslog), serial (the monitor of the build tool), or a command.',
  );

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
  onVerifyFailed: leaf('deviceOnVerifyFailed'),
  logs: logs.optional(),
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
  onVerifyFailed: leaf('onVerifyFailed'),
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
  verify: verify.optional(),
  interfaces: value('interfaces').nullable().describe(sentenceOf('interfaces')).optional(),
});

export type ConfigFile = z.infer<typeof configFileSchema>;
export type DeviceSettings = z.infer<typeof device>;
export type VerifySetting = z.infer<typeof verify>;
export type PasswordSetting = z.infer<typeof password>;

/** A HomeDing `env.json`: of all its elements, the two that matter here. */
export const homedingSchema = z.looseObject({ ota: ota.optional(), device: element.optional() });
export type HomedingFile = z.infer<typeof homedingSchema>;

/** Of every object in a configuration file. */
export const knownKeys: ReadonlySet<string> = new Set(
  [configFileSchema, device, build, watch, push, history, hook, proof, httpProof].flatMap(({ shape }) =>
    Object.keys(shape),
  ),
);
