/** The other commands, as the command line knows them; what they do is loaded when one is asked for. */

import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { kinds } from '../../config/kinds.ts';
import { pathFrom, toCommandOptions, toFlags, toMs, valuesFor, withFlags, withKind } from './flags.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import { colorOf } from '../terminal/color.ts';
import type { EspotaOptions } from './espota.ts';
import type { Parts } from './push-commands.ts';
import { addSimulateCommand } from './simulate-flags.ts';

export function addOtherCommands(program: Command, parts: Parts): void {
  addEspota(program, parts);
  addHistoryCommands(program, parts);
  addLookCommands(program, parts);
  addNetworkCommands(program, parts);
  addSetUpCommands(program, parts);
  addDeviceCommands(program, parts);
}

function addEspota(program: Command, { io, done }: Parts): void {
  // These are espota.py's flags: no settings of otarc, and no variable stands for them.
  program
    .command('espota')
    .description("push as the cores' espota.py does, with its flags and its exit status 0 or 1")
    .requiredOption('-i, --ip <address>', 'address of the device')
    .option('-I, --host_ip <address>', 'address of this computer')
    .addOption(withKind(new Option('-p, --port <number>', 'UDP port of the device'), kinds.port))
    .addOption(withKind(new Option('-P, --host_port <number>', 'TCP port of this computer'), kinds.port))
    .option('-a, --auth <password>', 'password; everybody on this computer can read it while it runs')
    .option('-m, --md5-target', 'accepted; otarc sees by itself which hash the device wants')
    .requiredOption('-f, --file <image>', 'the image')
    .option('-s, --spiffs', 'it is a file-system image')
    .option('-d, --debug', 'print each step')
    .option('-r, --progress', 'show the progress')
    .addOption(
      withKind(
        new Option('-t, --timeout <seconds>', 'how long an invitation may stay unanswered'),
        kinds.seconds,
      ),
    )
    .action(async (options: EspotaOptions) => {
      const { espotaCommand } = await import('./espota.ts');
      done(await espotaCommand(options, io));
    });
}

function addHistoryCommands(program: Command, { io, done }: Parts): void {
  withFlags(program.command('history'), 'history')
    .argument('[target]', 'a device or group of .otarc, NAME.local, or an address')
    .description('what was pushed when, and what came of it')
    .action(async (target: string | undefined, _options: unknown, command: Command) => {
      const values = valuesFor('history', command, io.env);
      const { json, rows: count } = values;
      const { historyCommand } = await import('./history.ts');
      const flags = toFlags(values, io.cwd);
      const color = colorOf(io.env, values.color);
      done(await historyCommand({ flags, target, count, json: json === true, color }, io));
    });
  withFlags(program.command('rollback'), 'rollback')
    .argument('<target...>', 'devices or groups of .otarc, NAME.local, or addresses')
    .usage('<target...> [options]')
    .description('push the last image before the present one that was proven to run')
    .action(async (targets: string[], _options: unknown, command: Command) => {
      const values = valuesFor('rollback', command, io.env);
      const { rollbackCommand } = await import('./rollback.ts');
      done(await rollbackCommand({ ...toCommandOptions(values, io), targets, to: values.to }, io));
    });
}

function addLookCommands(program: Command, { io, done }: Parts): void {
  withFlags(program.command('inspect'), 'inspect')
    .argument('<file>', 'an image or a partition table')
    .description('say what an image is: chip, sizes, digests, problems')
    .action(async (file: string, _options: unknown, command: Command) => {
      const { platform, filesystem, json } = valuesFor('inspect', command, io.env);
      const { inspect } = await import('./inspect.ts');
      const kind = filesystem === true ? ('filesystem' as const) : undefined;
      const asked = withoutUndefined({ platform, kind });
      done(await inspect({ file: resolve(io.cwd, file), json: json === true, ...asked }, io));
    });
  withFlags(program.command('config'), 'config')
    .description('the resolved configuration, each value with its origin')
    .action(async (_options: unknown, command: Command) => {
      const values = valuesFor('config', command, io.env);
      const { json, schema } = values;
      const color = colorOf(io.env, values.color);
      const { config } = await import('./config.ts');
      const flags = toFlags(values, io.cwd);
      done(await config({ flags, json: json === true, schema: schema === true, color }, io));
    });
}

function addNetworkCommands(program: Command, { io, done }: Parts): void {
  withFlags(program.command('devices'), 'devices')
    .description('the devices on the network and in .otarc')
    .action(async (_options: unknown, command: Command) => {
      const values = valuesFor('devices', command, io.env);
      const { live, waitFor, listen, outdated, json } = values;
      const { devicesCommand } = await import('./devices.ts');
      done(
        await devicesCommand(
          {
            flags: toFlags(values, io.cwd),
            json: json === true,
            watch: live === true,
            outdated: outdated === true,
            waitFor,
            timeoutMs: toMs(listen),
            color: colorOf(io.env, values.color),
          },
          io,
        ),
      );
    });
  withFlags(program.command('logs'), 'logs')
    .argument('[targets...]', 'devices or groups of .otarc')
    .description('what devices print, read as `logs:` in .otarc says, until Ctrl-C')
    .action(async (targets: string[], _options: unknown, command: Command) => {
      const values = valuesFor('logs', command, io.env);
      const { logsCommand } = await import('./logs.ts');
      const { all, json } = values;
      const flags = toFlags(values, io.cwd);
      done(await logsCommand({ flags, targets, all: all === true, json: json === true }, io));
    });
  withFlags(program.command('doctor'), 'doctor')
    .argument('[target]', 'a device of .otarc, NAME.local, or an address')
    .description('check the way to a device leg by leg, and say which one fails, why, and the cure')
    .action(async (target: string | undefined, _options: unknown, command: Command) => {
      const values = valuesFor('doctor', command, io.env);
      const { file, active, json } = values;
      const { doctorCommand } = await import('./doctor.ts');
      done(
        await doctorCommand(
          {
            flags: toFlags(values, io.cwd),
            target,
            file: pathFrom(file, { values, cwd: io.cwd }),
            active: active === true,
            json: json === true,
            color: colorOf(io.env, values.color),
          },
          io,
        ),
      );
    });
}

function addSetUpCommands(program: Command, { io, done }: Parts): void {
  withFlags(program.command('init'), 'init')
    .description('write .otarc and the hooks of the build tool found here; shows all of it first')
    .action(async (_options: unknown, command: Command) => {
      const values = valuesFor('init', command, io.env);
      const { devices = [], hooks = [], interfaces, writtenEnvironment, writtenFqbn } = values;
      const { initCommand } = await import('./init.ts');
      done(
        await initCommand(
          {
            cwd: resolve(io.cwd, values.cwd ?? '.'),
            interfaces,
            devices,
            hooks,
            environment: writtenEnvironment,
            fqbn: writtenFqbn,
            passwordFile: values.storedPasswordFile,
            yes: values.yes === true,
            force: values.overwrite === true,
            remove: values.remove === true,
            dryRun: values.dryInit === true,
            scan: values.scan !== false,
            json: values.json === true,
            color: colorOf(io.env, values.color),
          },
          io,
        ),
      );
    });
  program
    .command('templates')
    .argument('[name]', 'one of them, or a file in one: sketches/otarc.h')
    .description('print where the templates lie: sketches, otarc.h, hooks of build tools')
    .action(async (name: string | undefined) => {
      const { templatesCommand } = await import('./templates.ts');
      done(await templatesCommand(name, io));
    });
  withFlags(program.command('discovery'), 'discovery')
    .description("Arduino's pluggable discovery on stdin and stdout, for arduino-cli and the IDE")
    .action(async (_options: unknown, command: Command) => {
      const flags = toFlags(valuesFor('discovery', command, io.env), io.cwd);
      const { discoveryCommand } = await import('./discovery.ts');
      done(await discoveryCommand({ flags }, io));
    });
}

function addDeviceCommands(program: Command, { io, done }: Parts): void {
  withFlags(program.command('demo'), 'demo')
    .description('the whole way, against a virtual device: no hardware, no build tool, no network')
    .action(async (_options: unknown, command: Command) => {
      const { keep, color } = valuesFor('demo', command, io.env);
      const { demo } = await import('./demo.ts');
      done(await demo({ keep: keep === true, color: colorOf(io.env, color) }, io));
    });
  addSimulateCommand(program, { io, done });
}
