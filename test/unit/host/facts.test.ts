import type { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { openCommand } from '../../../src/diagnose/host.ts';
import { hostFacts, kindOf } from '../../../src/host/facts.ts';
import { neighbourAt } from '../../../src/host/neighbour.ts';
import { filteringChain } from '../../../src/host/firewalls.ts';
import type { HostSource } from '../../../src/host/source.ts';

interface Fixture {
  readonly platform?: NodeJS.Platform;
  readonly kernel?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** By the whole command; absent: there is no such program. */
  readonly said?: Readonly<Record<string, string | { readonly refuses: string }>>;
}

const asked = ({
  platform = 'linux',
  kernel = '6.8.0-generic',
  files = {},
  said = {},
}: Fixture): HostSource => ({
  platform,
  kernel,
  readFile: async (path) => files[path],
  run: async (command) => {
    const answer = said[command.join(' ')];
    if (answer === undefined) return undefined;
    return typeof answer === 'string' ? { ok: true, output: answer } : { ok: false, output: answer.refuses };
  },
  interfaces: (): ReturnType<typeof networkInterfaces> => ({
    eth0: [{ ...anAddress, address: '192.0.2.2', cidr: '192.0.2.2/24', family: 'IPv4', internal: false }],
    lo: [{ ...anAddress, address: '127.0.0.1', cidr: '127.0.0.1/8', family: 'IPv4', internal: true }],
  }),
});
const anAddress = { netmask: '255.255.255.0', mac: '00:00:00:00:00:00' };

test('the addresses of an ordinary computer', async () => {
  expect(await hostFacts(asked({}))).toEqual({
    system: 'linux',
    interfaces: [
      { name: 'eth0', address: '192.0.2.2', prefixBits: 24, kind: 'network' },
      { name: 'lo', address: '127.0.0.1', prefixBits: 8, kind: 'loopback' },
    ],
    firewalls: [],
  });
});

const wsl2 = '5.15.153.1-microsoft-standard-WSL2';
const veth = { '/sys/class/net/eth0/ifindex': '2\n', '/sys/class/net/eth0/iflink': '17\n' };

test.each<[string, Fixture, string | undefined]>([
  ['WSL 2', { kernel: wsl2 }, 'wsl2'],
  ['WSL 2 behind NAT', { kernel: wsl2, said: { 'wslinfo --networking-mode': 'nat\n' } }, 'wsl2'],
  ['WSL 2, mirrored', { kernel: wsl2, said: { 'wslinfo --networking-mode': 'mirrored\n' } }, undefined],
  ['WSL 1', { kernel: '4.4.0-19041-Microsoft' }, undefined],
  ['a container', { files: { '/.dockerenv': '', ...veth } }, 'container'],
  ['podman', { files: { '/run/.containerenv': '', ...veth } }, 'container'],
  [
    "a container in the computer's own network",
    { files: { '/.dockerenv': '', ...veth, '/sys/class/net/eth0/iflink': '2\n' } },
    undefined,
  ],
  ['a virtual cable, but no container', { files: veth }, undefined],
])('%s', async (_, fixture, inside) => {
  expect((await hostFacts(asked(fixture))).inside).toBe(inside);
});

const dropping = `table inet mine {
	chain out {
		type filter hook output priority filter; policy accept;
		drop
	}
	chain in {
		type filter hook input priority filter; policy drop;
		ct state established accept
	}
}`;
const open = `table ip nat {
	chain INPUT {
		type nat hook input priority 100; policy accept;
	}
	chain other { drop
	}
}`;
const nft = 'nft list ruleset';

test.each<[string, Fixture, unknown]>([
  ['ufw, as root', { said: { 'ufw status': 'Status: active\n' } }, { tool: 'ufw', state: 'filters' }],
  [
    'ufw, as anybody',
    {
      said: { 'ufw status': { refuses: 'ERROR: You need to be root to run this script' } },
      files: { '/etc/ufw/ufw.conf': '# on?\nENABLED=yes\n' },
    },
    { tool: 'ufw', state: 'filters' },
  ],
  [
    'firewalld before the nftables it writes',
    { said: { 'ufw status': 'Status: inactive', 'firewall-cmd --state': 'running\n', [nft]: dropping } },
    { tool: 'firewalld', state: 'filters' },
  ],
  ['nftables', { said: { [nft]: dropping } }, { tool: 'nftables', state: 'filters', chain: 'inet mine in' }],
  ['nftables that lets all in', { said: { [nft]: open } }, undefined],
  [
    'nftables, as anybody',
    { said: { [nft]: { refuses: 'Operation not permitted' } } },
    { tool: 'nftables', state: 'unknown' },
  ],
  [
    'iptables',
    { said: { [nft]: '', 'iptables -S INPUT': '-P INPUT DROP\n-A INPUT -i lo -j ACCEPT' } },
    { tool: 'iptables', state: 'filters' },
  ],
  ['iptables that lets all in', { said: { 'iptables -S INPUT': '-P INPUT ACCEPT' } }, undefined],
  ['Windows', { platform: 'win32' }, { tool: 'windows', state: 'unknown' }],
  [
    'Windows in another language',
    {
      platform: 'win32',
      said: {
        'netsh advfirewall show currentprofile firewallpolicy':
          'Firewallrichtlinie  BlockInbound,AllowOutbound',
      },
    },
    { tool: 'windows', state: 'filters' },
  ],
  [
    'macOS, switched off',
    {
      platform: 'darwin',
      said: {
        '/usr/libexec/ApplicationFirewall/socketfilterfw --getglobalstate':
          'Firewall is disabled. (State = 0)',
      },
    },
    undefined,
  ],
])('%s', async (_, fixture, firewall) => {
  expect((await hostFacts(asked(fixture))).firewalls).toEqual(firewall === undefined ? [] : [firewall]);
});

test('a ruleset without an end', () => {
  expect(
    filteringChain('table inet x {\nchain y {\ntype filter hook input; policy accept;\ntcp dport 22 rej'),
  ).toBe(undefined);
  expect(filteringChain('')).toBe(undefined);
});

const arp = `IP address       HW type     Flags       HW address            Mask     Device
192.0.2.7        0x1         0x2         24:0a:c4:00:00:01     *        eth0
192.0.2.70       0x1         0x0         00:00:00:00:00:00     *        eth0
`;

test.each<[string, Fixture, string, string | undefined]>([
  ['somebody has it', { files: { '/proc/net/arp': arp } }, '192.0.2.7', 'present'],
  ['nobody has it', { files: { '/proc/net/arp': arp } }, '192.0.2.70', 'absent'],
  ['behind a router', { files: { '/proc/net/arp': arp } }, '198.51.100.7', undefined],
  ['IPv6', { files: { '/proc/net/arp': arp } }, 'fe80::7', undefined],
  [
    'macOS, nobody',
    {
      platform: 'darwin',
      said: { 'arp -n 192.0.2.7': '? (192.0.2.7) at (incomplete) on en0 ifscope [ethernet]' },
    },
    '192.0.2.7',
    'absent',
  ],
  [
    'Windows, somebody',
    { platform: 'win32', said: { 'arp -a 192.0.2.7': '  192.0.2.7   24-0a-c4-00-00-01     dynamisch' } },
    '192.0.2.7',
    'present',
  ],
])('neighbour: %s', async (_, fixture, address, state) => {
  expect(await neighbourAt(asked(fixture), address)).toBe(state);
});

test('interfaces by their names', () => {
  expect(['wg0', 'tun1', 'utun3', 'tailscale0', 'Mein VPN'].map(kindOf)).toEqual(Array(5).fill('tunnel'));
  expect(['docker0', 'br-12ab', 'vEthernet (WSL)', 'virbr0'].map(kindOf)).toEqual(Array(4).fill('bridge'));
  expect(['eth0', 'wlan0', 'en0', 'WLAN', 'Ethernet'].map(kindOf)).toEqual(Array(5).fill('network'));
});

test('the command that opens it names device and port', () => {
  const wanted = { address: '192.0.2.7', hostPort: 48_266 };
  for (const tool of ['ufw', 'firewalld', 'nftables', 'iptables', 'windows'] as const) {
    const command = openCommand({ tool, state: 'filters' }, wanted);
    expect(command).toContain('48266');
    expect(command).toContain('192.0.2.7');
  }
  expect(openCommand({ tool: 'iptables', state: 'filters' }, { ...wanted, address: 'fe80::7' })).toContain(
    'ip6tables',
  );
});
