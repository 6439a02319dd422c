/** The commands that send nothing, as the command line knows them; what they do is loaded when one is asked for. */

import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { platforms, type Platform } from '../../model/types.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import {
  colorOf,
  collect,
  toFlags,
  toNumber,
  toSeconds,
  toWhole,
  withConfigFlags,
  type SharedOptions,
} from './flags.ts';
import type { Parts } from './push-commands.ts';

export function addOtherCommands(program: Command, parts: Parts): void {
  addLookCommands(program, parts);
  addNetworkCommands(program, parts);
  addSetUpCommands(program, parts);
  addDeviceCommands(program, parts);
}

function addLookCommands(program: Command, { io, done }: Parts): void {
  program
    .command('inspect')
    .argument('<file>', 'an image or a partition table')
    .description('say what an image is: chip, sizes, digests, problems')
    .addOption(
      new Option('--platform <name>', 'what the device is; default: any that is possible').choices(platforms),
    )
    .option('--filesystem', 'as the file-system image, not the firmware')
    .option('--json', 'one JSON document')
    .action(async (file: string, options: { json?: boolean; platform?: Platform; filesystem?: boolean }) => {
      const { inspect } = await import('./inspect.ts');
      const { platform, filesystem } = options;
      const kind = filesystem === true ? ('filesystem' as const) : undefined;
      const asked = withoutUndefined({ platform, kind });
      done(await inspect({ file: resolve(io.cwd, file), json: options.json === true, ...asked }, io));
    });
  withConfigFlags(program.command('config'))
    .description('the resolved configuration, each value with its origin')
    .option('--schema', 'print the JSON schema of .otarc instead')
    .action(async (options: SharedOptions & { schema?: boolean }) => {
      const { config } = await import('./config.ts');
      const flags = toFlags(options, io.cwd);
      done(await config({ flags, json: options.json === true, schema: options.schema === true }, io));
    });
}

function addNetworkCommands(program: Command, { io, done }: Parts): void {
  program
    .command('devices')
    .description('the devices on the network and in .otarc')
    .option('--config <file>', 'the configuration, in place of the one that is found')
    .option('-C, --cwd <dir>', 'work in this folder')
    .option('--interface <if>', 'network interface or address to use (repeatable)', collect)
    .option('--watch', 'keep the list live')
    .option('--wait-for <name>', 'end as soon as this device is there')
    .option(
      '--timeout <seconds>',
      'how long to listen (default 3; with --watch and --wait-for: for ever)',
      toSeconds,
    )
    .option('--json', 'one JSON document; with --watch one object a change')
    .option('--no-color', 'no colours (also NO_COLOR)')
    .action(async (options: DevicesFlags) => {
      const { devicesCommand } = await import('./devices.ts');
      const { watch, waitFor, timeout, json, color } = options;
      done(
        await devicesCommand(
          {
            flags: toFlags(options, io.cwd),
            json: json === true,
            watch: watch === true,
            waitFor,
            timeoutMs: timeout === undefined ? undefined : timeout * 1000,
            color: color === false ? 'never' : colorOf(io.env),
          },
          io,
        ),
      );
    });
  withConfigFlags(program.command('doctor'))
    .argument('[target]', 'a device of .otarc, NAME.local, or an address')
    .description('check the way to a device leg by leg, and say which one fails, why, and the cure')
    .option('-f, --file <image>', 'the image; default: the one the last build left')
    .option('--active', 'also invite the device: password, connect-back, link; nothing is written to it')
    .option('--no-color', 'no colours (also NO_COLOR)')
    .action(async (target: string | undefined, options: DoctorFlags) => {
      const { doctorCommand } = await import('./doctor.ts');
      const { file, active, json, color } = options;
      done(
        await doctorCommand(
          {
            flags: toFlags(options, io.cwd),
            target,
            file: file === undefined ? undefined : resolve(io.cwd, file),
            active: active === true,
            json: json === true,
            color: color === false ? 'never' : colorOf(io.env),
          },
          io,
        ),
      );
    });
}

interface DevicesFlags extends SharedOptions {
  watch?: boolean;
  waitFor?: string;
  timeout?: number;
  color?: boolean;
}

interface DoctorFlags extends SharedOptions {
  file?: string;
  active?: boolean;
  color?: boolean;
}

function addSetUpCommands(program: Command, { io, done }: Parts): void {
  program
    .command('init')
    .description('write .otarc and the hooks of the build tool found here; shows all of it first')
    .option('-C, --cwd <dir>', 'work in this folder')
    .option('-y, --yes', 'take the defaults and ask nothing')
    .option('--device <device>', 'NAME, ADDRESS[:PORT] or NAME=ADDRESS[:PORT] (repeatable)', collect)
    .option('--hook <name>', 'only these hooks (repeatable)', collect)
    .option('-e, --environment <name>', 'PlatformIO environment')
    .option('--fqbn <fqbn>', 'arduino-cli board')
    .option('--password-file <file>', 'store the password in this file (-: stdin) for the device')
    .option('--no-scan', 'do not listen for devices on the network')
    .option('--dry-run', 'show what would be written, and write nothing')
    .option('--force', 'overwrite files that stand in the way')
    .option('--remove', 'take everything out again that init has written')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: InitFlags) => {
      const { initCommand } = await import('./init.ts');
      const { cwd, device = [], hook = [], environment, fqbn, passwordFile } = options;
      done(
        await initCommand(
          {
            cwd: resolve(io.cwd, cwd ?? '.'),
            devices: device,
            hooks: hook,
            environment,
            fqbn,
            passwordFile,
            yes: options.yes === true,
            force: options.force === true,
            remove: options.remove === true,
            dryRun: options.dryRun === true,
            scan: options.scan !== false,
            json: options.json === true,
          },
          io,
        ),
      );
    });
  program
    .command('discovery')
    .description("Arduino's pluggable discovery on stdin and stdout, for arduino-cli and the IDE")
    .option('--config <file>', 'the configuration, in place of the one that is found')
    .option('-C, --cwd <dir>', 'work in this folder')
    .option('--interface <if>', 'network interface or address to use (repeatable)', collect)
    .action(async (options: SharedOptions) => {
      const { discoveryCommand } = await import('./discovery.ts');
      done(await discoveryCommand({ flags: toFlags(options, io.cwd) }, io));
    });
}

interface InitFlags {
  cwd?: string;
  device?: string[];
  hook?: string[];
  environment?: string;
  fqbn?: string;
  passwordFile?: string;
  yes?: boolean;
  force?: boolean;
  remove?: boolean;
  dryRun?: boolean;
  scan?: boolean;
  json?: boolean;
}

function addDeviceCommands(program: Command, { io, done }: Parts): void {
  program
    .command('demo')
    .description('the whole way, against a virtual device: no hardware, no build tool, no network')
    .option('--keep', 'leave the demo project where it is')
    .action(async (options: { keep?: boolean }) => {
      const { demo } = await import('./demo.ts');
      done(await demo({ keep: options.keep === true }, io));
    });
  program
    .command('simulate')
    .description('a virtual device that speaks the protocol as real ones do')
    .option('--model <model>', 'esp8266, esp32, esp32-3.3.1, esp32-3.3.1-md5 or rp2040')
    .option('--name <name>', 'the name it announces')
    .option('--host <address>', 'address to listen at (default 127.0.0.1)')
    .option('--port <number>', "UDP port (default: the model's usual one; 0: any)", toWhole)
    .option('--password-file <file>', 'it asks for the password in this file (-: stdin)')
    .option('--round-trip-ms <ms>', 'round-trip time of the link', toNumber)
    .option('--ms-per-sector <ms>', 'flash time for 4 KiB (default 55)', toNumber)
    .option('--window-bytes <bytes>', 'TCP receive window', toWhole)
    .option('--slot-bytes <bytes>', 'room for a sketch', toWhole)
    .option('--datagram-loss <share>', 'share of datagrams lost, 0 to 1', toNumber)
    .option('--loop-ms <ms>', "how long a round of the sketch's loop() takes (default 0)", toNumber)
    .option('--reboot-ms <ms>', 'how long a restart takes', toNumber)
    .option('--fault <name[=value]>', 'what shall go wrong (repeatable; `list` shows all)', collect)
    .option('--no-announce', 'do not announce it over mDNS')
    .option('--count <number>', 'so many devices, ports ascending', toWhole)
    .option('--homeding <file>', "name, port and password from HomeDing's env.json")
    .option('--out <file>', 'write each received image here')
    .option('--once', 'end after the first completed update')
    .option('--json', 'one event a line')
    .action(async ({ fault, ...options }: { fault?: string[]; [other: string]: unknown }) => {
      const { simulate } = await import('./simulate.ts');
      done(await simulate({ ...options, ...(fault === undefined ? {} : { faults: fault }) }, io));
    });
}
