/** The settings that make the configuration: said by flag and variable, by the file, or by both. */

import { engineNames, platforms } from '../../model/types.ts';
import { choice, kinds, list, whole } from '../kinds.ts';
import type { Flags } from '../types.ts';
import { ofHistory, pushes, type Setting } from './setting.ts';

/** What outranks every file; `otarc config` shows it with its origin. */
export const configuration = {
  config: {
    kind: kinds.text,
    about: 'the configuration, in place of the one that is found',
    flag: '--config <file>',
    commands: [...pushes, ...ofHistory, 'devices', 'discovery', 'logs'],
  },
  environment: {
    kind: kinds.text,
    about: 'PlatformIO environment',
    flag: '-e, --environment <name>',
    commands: pushes,
    file: 'build.environment',
    unsaid: 'what the project says, else its only one',
  },
  passwordFile: {
    kind: kinds.text,
    about: 'read the password from this file (-: stdin)',
    flag: '--password-file <file>',
    commands: [...pushes, 'rollback'],
  },
  port: {
    kind: kinds.port,
    about: 'UDP port of the device',
    flag: '--port <number>',
    commands: [...pushes, 'rollback'],
    file: 'devices.*.port',
    unsaid: 'what the device announces, else by platform',
  },
  platform: {
    kind: choice(platforms),
    about: 'what the device is',
    flag: '--platform <name>',
    commands: [...pushes, 'rollback', 'inspect'],
    file: 'devices.*.platform',
    unsaid: 'what the device announces, else from the image',
  },
  hostAddress: {
    kind: kinds.address,
    about: 'address of this computer that the device connects to',
    flag: '--host-address <address>',
    commands: [...pushes, 'rollback'],
    file: 'devices.*.hostAddress',
    unsaid: 'the one on the way to the device',
  },
  hostPort: {
    kind: kinds.port,
    about: 'TCP port of this computer that the device connects to',
    flag: '--host-port <number>',
    commands: [...pushes, 'rollback'],
    file: 'devices.*.hostPort',
    unsaid: 'any free one',
  },
  interfaces: {
    kind: list(kinds.text),
    about: 'network interface or address for mDNS and for the listening socket',
    flag: '--interface <if>',
    commands: [...pushes, 'rollback', 'devices', 'discovery', 'init', 'logs'],
    file: 'interfaces',
    unsaid: 'all suitable ones',
  },
  filesystem: {
    kind: kinds.onOff,
    about: 'the file-system image, not the firmware',
    flag: '--filesystem',
    commands: [...pushes, 'inspect'],
  },
  historyDir: {
    kind: kinds.text,
    about: 'folder of a history that several share',
    flag: '--history-dir <dir>',
    commands: [...pushes, ...ofHistory],
    file: 'history.dir',
    unsaid: "the folder for the state of this user's programs",
  },
} as const satisfies Readonly<Record<Exclude<keyof Flags, 'cwd'>, Setting>>;

/** What only a file says. */
export const written = {
  host: {
    kind: kinds.host,
    about: 'name or address',
    file: 'devices.*.host',
    unsaid: 'the key, looked up over mDNS, then by the system',
  },
  passwordHash: {
    kind: {
      type: 'text',
      // Without the flag `i`, which a JSON schema cannot hold.
      pattern: /^(?:[\dA-Fa-f]{32}|[\dA-Fa-f]{64})$/,
      words: 'must be 32 or 64 hexadecimal digits',
    },
    about: 'where only the hash is known: MD5 (32 hexadecimal digits) or SHA-256 (64)',
    file: 'devices.*.passwordHash',
  },
  takes: {
    kind: kinds.text,
    about: 'the build environment whose image it takes',
    file: 'devices.*.environment',
    unsaid: 'any that fits its chip',
  },
  partitions: {
    kind: kinds.text,
    about: 'partition table (.csv or .bin) to check sizes against',
    file: 'devices.*.partitions',
    unsaid: "the build's own",
  },
  homeding: {
    kind: kinds.text,
    about:
      "the device's own HomeDing JSON (data/env.json, or http://NAME/env.json from the device itself): name, port and password are read from it",
    file: 'devices.*.homeding',
  },
  acceptFrom: {
    kind: choice(['device', 'any']),
    about: "who may connect back; `any` behind a container's port proxy",
    file: 'devices.*.acceptFrom',
    unsaid: 'device',
  },
  engine: {
    kind: choice(engineNames),
    about: 'how it is pushed',
    file: 'devices.*.engine',
    unsaid: 'espota',
  },
  verifySeconds: {
    kind: {
      type: 'number',
      isWhole: false,
      least: 0.001,
      most: 3600,
      words: 'must be a number of seconds, more than 0 and at most 3600',
    },
    about: 'how long to wait for the proof that the new image runs',
    file: 'devices.*.verify.timeoutSeconds',
    unsaid: '60',
  },
  tool: {
    kind: choice(['pio', 'arduino-cli', 'command']),
    about: 'the build tool',
    file: 'build.tool',
    unsaid: 'found from the folder',
  },
  fqbn: {
    kind: kinds.text,
    about: 'arduino-cli board',
    file: 'build.fqbn',
    unsaid: 'what sketch.yaml says',
  },
  profile: {
    kind: kinds.text,
    about: 'arduino-cli build profile of sketch.yaml',
    file: 'build.profile',
  },
  sketch: {
    kind: kinds.text,
    about: 'folder of the sketch or project',
    file: 'build.sketch',
    unsaid: 'the working folder where it holds one, else the folder of this file',
  },
  args: { kind: list(kinds.text), about: 'more arguments for the build tool', file: 'build.args' },
  image: { kind: kinds.text, about: 'the image that the command leaves', file: 'build.image' },
  filesystemImage: {
    kind: kinds.text,
    about: 'the file-system image that the command leaves',
    file: 'build.filesystemImage',
  },
  watchPaths: {
    kind: list(kinds.text),
    about: 'more to watch, beside what the build tool names',
    file: 'watch.paths',
    unsaid: 'what the build tool names',
  },
  watchIgnore: {
    kind: list(kinds.text),
    about: 'what to leave out: patterns as in a .gitignore',
    file: 'watch.ignore',
    unsaid: 'what git ignores',
  },
  parallel: { kind: whole(1), about: 'how many devices at the same time', file: 'push.parallel' },
  gzip: {
    kind: kinds.onOff,
    about: 'push compressed where the device can unpack it',
    file: 'push.gzip',
  },
  skipUnchanged: {
    kind: kinds.onOff,
    about: 'leave out devices that say that they run the image already',
    file: 'push.skipUnchanged',
    unsaid: 'true',
  },
  onFailure: {
    kind: choice(['continue', 'stop']),
    about: 'what a failed device means for the others',
    file: 'push.onFailure',
  },
  canary: { kind: whole(0), about: 'how many devices go first, alone', file: 'push.canary' },
  pushFilesystem: {
    kind: choice(['never', 'on-change']),
    about: 'when to push the file-system image as well',
    file: 'push.filesystem',
    unsaid: 'never',
  },
  onVerifyFailed: {
    kind: choice(['report', 'rollback']),
    about: 'what follows where the new sketch is shown not to run: `rollback` pushes the last proven image',
    file: 'push.onVerifyFailed',
    unsaid: 'report',
  },
  deviceOnVerifyFailed: {
    kind: choice(['report', 'rollback']),
    about: 'as push.onVerifyFailed, for this device',
    file: 'devices.*.onVerifyFailed',
    unsaid: 'as push.onVerifyFailed says',
  },
  retries: {
    kind: whole(0),
    about: 'how often to try again what may succeed later',
    file: 'push.retries',
  },
  pushOnBuild: {
    kind: kinds.onOff,
    about: 'push after each build of the tool that the hook is in',
    file: 'hook.pushOnBuild',
  },
} as const satisfies Readonly<Record<string, Setting>>;
