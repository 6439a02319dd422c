/** The settings of one run, which stand in no file. */

import { allowableCodes } from '../../model/allowable.ts';
import { choice, kinds, list, whole } from '../kinds.ts';
import { ofHistory, pushes, runs, type Setting } from './setting.ts';

/** What is said of one run, and stands in no file. */
export const run = {
  cwd: {
    kind: kinds.text,
    about: 'work in this folder',
    flag: '-C, --cwd <dir>',
    commands: [...pushes, ...ofHistory, 'devices', 'discovery', 'init', 'logs'],
  },
  all: { kind: kinds.onOff, about: 'every configured device', flag: '--all', commands: [...runs, 'logs'] },
  file: {
    kind: kinds.text,
    about: 'the image; default: the one that the last build left',
    flag: '-f, --file <image>',
    commands: ['push', 'doctor'],
  },
  whenSeen: {
    kind: kinds.seconds,
    about: 'wait so long for a device that sleeps to announce itself',
    flag: '--when-seen <seconds>',
    commands: ['push'],
  },
  hook: {
    kind: kinds.onOff,
    about: 'called after each build: pushes only where .otarc of this folder has hook.pushOnBuild',
    flag: '--hook',
    commands: ['push'],
  },
  build: {
    kind: kinds.onOff,
    about: 'build nothing: push the image whenever another program has built it',
    flag: '--no-build',
    commands: ['watch'],
  },
  once: {
    kind: kinds.onOff,
    about: 'end after the first push, and with its status',
    flag: '--once',
    commands: ['watch'],
  },
  poll: {
    kind: kinds.onOff,
    about: 'poll for changes (network drives, containers)',
    flag: '--poll',
    commands: ['watch'],
  },
  notify: {
    kind: kinds.onOff,
    about: 'a notification of the terminal at the end of a run, in place of its bell',
    flag: '--notify',
    commands: ['watch'],
  },
  exec: {
    kind: kinds.text,
    about: 'run this after each deploy, for each device; words, without a shell',
    flag: '--exec <command>',
    commands: ['watch'],
  },
  dryRun: {
    kind: kinds.onOff,
    about: 'everything up to, not including, the first datagram',
    flag: '--dry-run',
    commands: [...runs, 'rollback'],
  },
  // What passes a check is typed each time: in an environment it would be forgotten there.
  force: {
    kind: kinds.onOff,
    about: 'push although a check fails, or the device runs the image already',
    flag: '--force',
    commands: [...runs, 'rollback'],
    hasVariable: false,
  },
  allow: {
    kind: list(choice(allowableCodes)),
    about: 'let this one check fail',
    flag: '--allow <code>',
    commands: [...runs, 'rollback'],
    hasVariable: false,
  },
  timeout: {
    kind: kinds.seconds,
    about: 'for the whole push of one device',
    flag: '--timeout <seconds>',
    commands: [...runs, 'rollback'],
  },
  verify: {
    kind: kinds.onOff,
    about: 'do not wait until the device says that it runs the new image',
    flag: '--no-verify',
    commands: runs,
  },
  verifyFor: {
    kind: kinds.seconds,
    about: 'wait at most so long for proof that the new image runs, and fail without it',
    flag: '--verify <seconds>',
    commands: runs,
  },
  logs: {
    kind: kinds.onOff,
    about: 'go on to what the device prints (`logs:` in .otarc)',
    flag: '--logs',
    commands: ['deploy', 'watch'],
  },
  to: {
    kind: kinds.text,
    about: 'the image to go back to: the first digits of its MD5, or its number in `otarc history`',
    flag: '--to <image>',
    commands: ['rollback'],
    hasVariable: false,
  },
  rows: {
    kind: whole(1),
    about: 'how many to show (default 20)',
    flag: '-n, --number <count>',
    commands: ['history'],
    hasVariable: false,
  },
  live: { kind: kinds.onOff, about: 'keep the list live', flag: '--watch', commands: ['devices'] },
  waitFor: {
    kind: kinds.text,
    about: 'end as soon as this device is there',
    flag: '--wait-for <name>',
    commands: ['devices'],
  },
  outdated: {
    kind: kinds.onOff,
    about: 'only the configured devices that do not run the last build; exit status 1 where there is one',
    flag: '--outdated',
    commands: ['devices'],
  },
  // `OTARC_TIMEOUT` is the limit of a push.
  listen: {
    kind: kinds.seconds,
    about: 'how long to listen (default 3; with --watch and --wait-for: for ever)',
    flag: '--timeout <seconds>',
    commands: ['devices'],
    hasVariable: false,
  },
  active: {
    kind: kinds.onOff,
    about: 'also invite the device: password, connect-back, link; nothing is written to it',
    flag: '--active',
    commands: ['doctor'],
  },
  schema: {
    kind: kinds.onOff,
    about: 'print the JSON schema of .otarc instead',
    flag: '--schema',
    commands: ['config'],
  },
  keep: {
    kind: kinds.onOff,
    about: 'leave the demo project where it is',
    flag: '--keep',
    commands: ['demo'],
  },
  json: {
    kind: kinds.onOff,
    about: 'JSON on stdout: one document, or one object a line',
    flag: '--json',
    commands: [...pushes, ...ofHistory, 'devices', 'inspect', 'init', 'logs'],
  },
  quiet: { kind: kinds.onOff, about: 'errors only', flag: '-q, --quiet', commands: [...runs, 'rollback'] },
  verbose: {
    kind: kinds.onOff,
    about: 'each step, and the conversation with the device',
    flag: '-v, --verbose',
    commands: [...runs, 'rollback'],
  },
  debugLog: {
    kind: kinds.text,
    about: 'append every event to this file, for a bug report',
    flag: '--debug-log <file>',
    commands: [...runs, 'rollback'],
  },
  color: {
    kind: kinds.onOff,
    about: 'no colours (also NO_COLOR)',
    flag: '--no-color',
    commands: [...pushes, ...ofHistory, 'devices', 'inspect', 'init', 'demo', 'logs'],
  },
} as const satisfies Readonly<Record<string, Setting>>;

/**
 * What `otarc init` does, and what it is to write down. That is typed: a variable that says it to every push as well
 * need not stand in a file, and those named like the flags below have another meaning.
 */
export const init = {
  yes: {
    kind: kinds.onOff,
    about: 'take the defaults and ask nothing; only devices that are named',
    flag: '-y, --yes',
    commands: ['init'],
  },
  devices: {
    kind: list(kinds.text),
    about: 'NAME, ADDRESS[:PORT] or NAME=ADDRESS[:PORT]',
    flag: '--device <device>',
    commands: ['init'],
    hasVariable: false,
  },
  hooks: {
    kind: list(kinds.text),
    about: 'only these hooks',
    flag: '--hook <name>',
    commands: ['init'],
    hasVariable: false,
  },
  writtenEnvironment: {
    kind: kinds.text,
    about: 'PlatformIO environment',
    flag: '-e, --environment <name>',
    commands: ['init'],
    hasVariable: false,
  },
  writtenFqbn: {
    kind: kinds.text,
    about: 'arduino-cli board',
    flag: '--fqbn <fqbn>',
    commands: ['init'],
    hasVariable: false,
  },
  storedPasswordFile: {
    kind: kinds.text,
    about: 'store the password in this file (-: stdin) for the device',
    flag: '--password-file <file>',
    commands: ['init'],
    hasVariable: false,
  },
  scan: {
    kind: kinds.onOff,
    about: 'do not listen for devices on the network',
    flag: '--no-scan',
    commands: ['init'],
  },
  dryInit: {
    kind: kinds.onOff,
    about: 'show what would be written, and write nothing',
    flag: '--dry-run',
    commands: ['init'],
  },
  overwrite: {
    kind: kinds.onOff,
    about: 'overwrite files that stand in the way',
    flag: '--force',
    commands: ['init'],
    hasVariable: false,
  },
  remove: {
    kind: kinds.onOff,
    about: 'take everything out again that init has written',
    flag: '--remove',
    commands: ['init'],
  },
} as const satisfies Readonly<Record<string, Setting>>;
