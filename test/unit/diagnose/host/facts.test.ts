import { readFileSync } from 'node:fs';
import type { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { openCommand } from '../../../../src/model/host-facts.ts';
import { hostFacts, interfaceKindOf } from '../../../../src/diagnose/host/facts.ts';
import { neighbourAt } from '../../../../src/diagnose/host/neighbour.ts';
import type { HostSource } from '../../../../src/diagnose/host/source.ts';

interface Fixture {
  readonly platform?: NodeJS.Platform;
  readonly kernel?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Beside `eth0` and `lo`. */
  readonly interface?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** By the whole command; absent: there is no such program; `late`: it does not end in time. */
  readonly said?: Readonly<Record<string, string | { readonly refuses: string }>>;
}

const asked = ({
  platform = 'linux',
  kernel = '6.8.0-generic',
  env = {},
  interface: other,
  files = {},
  said = {},
}: Fixture): HostSource => ({
  platform,
  kernel,
  env,
  readFile: async (path) => files[path],
  run: async (command) => {
    const answer = said[command.join(' ')];
    if (answer === undefined) return undefined;
    if (answer === 'late') return { ok: false, output: '', isCut: true };
    return typeof answer === 'string' ? { ok: true, output: answer } : { ok: false, output: answer.refuses };
  },
  interfaces: (): ReturnType<typeof networkInterfaces> => ({
    eth0: [{ ...anAddress, address: '192.0.2.2', cidr: '192.0.2.2/24', family: 'IPv4', internal: false }],
    lo: [{ ...anAddress, address: '127.0.0.1', cidr: '127.0.0.1/8', family: 'IPv4', internal: true }],
    ...(other === undefined
      ? {}
      : {
          [other]: [
            { ...anAddress, address: '10.0.2.100', cidr: '10.0.2.100/24', family: 'IPv4', internal: false },
          ],
        }),
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
const slirp = {
  '/sys/class/net/tap0/ifindex': '2\n',
  '/sys/class/net/tap0/iflink': '2\n',
  '/sys/class/net/tap0/tun_flags': '0x1002\n',
};
const veth = { '/sys/class/net/eth0/ifindex': '2\n', '/sys/class/net/eth0/iflink': '17\n' };

test.each<[string, Fixture, string | undefined]>([
  ['WSL 2', { kernel: wsl2 }, 'wsl2'],
  ['WSL 2 behind NAT', { kernel: wsl2, said: { 'wslinfo --networking-mode': 'nat\n' } }, 'wsl2'],
  ['WSL 2, mirrored', { kernel: wsl2, said: { 'wslinfo --networking-mode': 'mirrored\n' } }, undefined],
  ['WSL 1', { kernel: '4.4.0-19041-Microsoft' }, undefined],
  ['a container', { files: { '/.dockerenv': '', ...veth } }, 'container'],
  ['podman', { files: { '/run/.containerenv': '', ...veth } }, 'container'],
  [
    'podman without root (slirp4netns)',
    { files: { '/run/.containerenv': '', ...slirp }, interface: 'tap0' },
    'container',
  ],
  [
    'podman without root (pasta)',
    { files: { '/run/.containerenv': '', '/sys/class/net/eth0/tun_flags': '0x1002\n' } },
    'container',
  ],
  ['Kubernetes', { env: { KUBERNETES_SERVICE_HOST: '10.96.0.1' }, files: veth }, 'container'],
  [
    "Kubernetes, in the node's own network",
    {
      env: { KUBERNETES_SERVICE_HOST: '10.96.0.1' },
      files: { ...veth, '/sys/class/net/eth0/iflink': '2\n' },
    },
    undefined,
  ],
  [
    'containerd, by its control group',
    { files: { '/proc/1/cgroup': '0::/kubepods/besteffort/pod7/cri-containerd-ab\n', ...veth } },
    'container',
  ],
  [
    "a VPN's tap in the computer's own network",
    {
      files: {
        '/.dockerenv': '',
        ...veth,
        '/sys/class/net/eth0/iflink': '2\n',
        '/sys/class/net/tun0/tun_flags': '0x1',
      },
      interface: 'tun0',
    },
    undefined,
  ],
  [
    "a container in the computer's own network",
    { files: { '/.dockerenv': '', ...veth, '/sys/class/net/eth0/iflink': '2\n' } },
    undefined,
  ],
  ['a virtual cable, but no container', { files: veth }, undefined],
])('%s', async (_, fixture, inside) => {
  expect((await hostFacts(asked(fixture))).inside).toBe(inside);
});

const rulesetOf = (name: string): string =>
  readFileSync(new URL(`rulesets/${name}`, import.meta.url), 'utf8');
const nft = 'nft -j list ruleset';
const fromDevice = { address: '192.0.2.7' };

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
    {
      said: {
        'ufw status': 'Status: inactive',
        'firewall-cmd --state': 'running\n',
        [nft]: rulesetOf('policy-drop.json'),
      },
    },
    { tool: 'firewalld', state: 'filters' },
  ],
  [
    'nftables',
    { said: { [nft]: rulesetOf('policy-drop.json') } },
    { tool: 'nftables', state: 'filters', chain: 'inet filter input' },
  ],
  [
    'nftables, as anybody',
    { said: { [nft]: { refuses: 'Operation not permitted' } } },
    { tool: 'nftables', state: 'unknown' },
  ],
  [
    'iptables',
    { said: { [nft]: '', 'iptables -S': rulesetOf('policy-drop.iptables') } },
    { tool: 'iptables', state: 'filters' },
  ],
  [
    'iptables that keeps out one alone',
    { said: { 'iptables -S': rulesetOf('fail2ban.iptables') } },
    undefined,
  ],
  [
    'iptables, whose rules nft reads, too',
    { said: { [nft]: rulesetOf('let-in.json'), 'iptables -S': rulesetOf('let-in.iptables') } },
    { tool: 'iptables', state: 'filters' },
  ],
  [
    'rules of iptables that only nft reads',
    { said: { [nft]: rulesetOf('let-in.json') } },
    { tool: 'nftables', state: 'filters', chain: 'ip filter INPUT' },
  ],
  [
    'ufw before the iptables it writes',
    { said: { 'ufw status': 'Status: active\n', 'iptables -S': rulesetOf('policy-drop.iptables') } },
    { tool: 'ufw', state: 'filters' },
  ],
  [
    'iptables, as anybody, and nftables that lets all in',
    {
      said: {
        [nft]: rulesetOf('docker.json'),
        'iptables -S': { refuses: 'Permission denied (you must be root)' },
      },
    },
    { tool: 'iptables', state: 'unknown' },
  ],
  [
    'nftables that does not answer in time',
    { said: { [nft]: 'late' } },
    { tool: 'nftables', state: 'unknown' },
  ],
  [
    'firewalld that does not answer in time',
    { said: { 'firewall-cmd --state': 'late' } },
    { tool: 'firewalld', state: 'unknown' },
  ],
  [
    'firewalld that does not answer in time, with rules that do',
    { said: { 'firewall-cmd --state': 'late', [nft]: rulesetOf('policy-drop.json') } },
    { tool: 'nftables', state: 'filters', chain: 'inet filter input' },
  ],
  [
    'ufw that does not answer in time',
    { said: { 'ufw status': 'late' }, files: { '/etc/ufw/ufw.conf': 'ENABLED=yes\n' } },
    { tool: 'ufw', state: 'filters' },
  ],
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
  const { firewalls } = await hostFacts(asked(fixture), fromDevice);
  expect(firewalls).toEqual(firewall === undefined ? [] : [firewall]);
});

test('they are asked for a device that is elsewhere, and by the family of its address', async () => {
  const said = { 'ip6tables -S': '-P INPUT DROP\n', 'iptables -S': '-P INPUT ACCEPT\n' };
  const found = async (address: string): Promise<unknown> =>
    (await hostFacts(asked({ said }), { address })).firewalls.map(({ tool }) => tool);
  expect(await found('2001:db8::7')).toEqual(['iptables']);
  expect(await found('192.0.2.7')).toEqual([]);
  expect(await found('127.0.0.9')).toEqual([]);
  expect((await hostFacts(asked({ said }))).firewalls).toEqual([]);
});

test('all are asked at once', async () => {
  const asking: string[] = [];
  let answer: () => void = () => {};
  const answered = new Promise<undefined>((resolve) => (answer = () => resolve(undefined)));
  const source = {
    ...asked({}),
    run: (command: readonly string[]) => {
      asking.push(command.join(' '));
      return answered;
    },
  };
  const found = hostFacts(source, fromDevice);
  await new Promise(setImmediate);
  expect(asking).toEqual(['ufw status', 'firewall-cmd --state', nft, 'iptables -S']);
  answer();
  expect((await found).firewalls).toEqual([]);
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
  expect(['wg0', 'tun1', 'utun3', 'tailscale0', 'Mein VPN'].map(interfaceKindOf)).toEqual(
    Array(5).fill('tunnel'),
  );
  expect(['docker0', 'br-12ab', 'vEthernet (WSL)', 'virbr0'].map(interfaceKindOf)).toEqual(
    Array(4).fill('bridge'),
  );
  expect(['eth0', 'wlan0', 'en0', 'WLAN', 'Ethernet'].map(interfaceKindOf)).toEqual(Array(5).fill('network'));
});

test('the command that opens it names device and port', () => {
  const wanted = { address: '192.0.2.7', hostPort: 48_266 };
  for (const tool of ['ufw', 'firewalld', 'nftables', 'iptables', 'windows'] as const) {
    const command = openCommand({ tool, state: 'filters' }, wanted);
    expect(command).toContain('48266');
    expect(command).toContain('192.0.2.7');
  }
  const linkLocal = { ...wanted, address: 'fe80::7%eth0' };
  expect(openCommand({ tool: 'iptables', state: 'filters' }, linkLocal)).toBe(
    'sudo ip6tables -I INPUT -p tcp -s fe80::7 --dport 48266 -j ACCEPT',
  );
  expect(openCommand({ tool: 'nftables', state: 'filters', chain: 'inet filter input' }, linkLocal)).toBe(
    'sudo nft insert rule inet filter input ip6 saddr fe80::7 tcp dport 48266 accept',
  );
});
