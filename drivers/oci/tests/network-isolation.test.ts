import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { run } from '../../exec.ts';
import { linkPrefix } from '../../host-network/names.ts';
import { whyNoRealSandbox } from '../../testing/scratch.ts';
import { withTwoSandboxes } from '../testing/sandboxes.ts';
import { callers } from '../testing/subject.ts';

const timeout = 120_000;
/** For what should answer: a first packet that was lost comes again after a second. */
const openMs = 20_000;
/** A dropped packet is silence; on links of this host an answer takes less than a millisecond. */
const silenceMs = 400;

interface Dialling {
  localAddress?: string;
  patienceMs?: number;
}

/** Evaluates to `open <own address>` or to what kept it from opening. */
function dial(host: string, port: number, { localAddress, patienceMs = silenceMs }: Dialling = {}): string {
  const options = JSON.stringify({ host, port, localAddress });
  return `new Promise((resolve) => {
    import('node:net').then(({ connect }) => {
      const socket = connect(${options});
      socket.setTimeout(${patienceMs}, () => { socket.destroy(); resolve('silence'); });
      socket.on('connect', () => { resolve('open ' + socket.localAddress); socket.destroy(); });
      socket.on('error', (error) => resolve(error.code));
    });
  })`;
}

describe('from inside a sandbox', { skip: (await whyNoRealSandbox()) ?? false }, () => {
  const pair = withTwoSandboxes();
  const servers: Server[] = [];
  let seen: string[] = [];

  async function listen(host: string, port = 0): Promise<number> {
    const server = createServer((socket) => {
      seen.push(socket.remoteAddress ?? '');
      socket.on('error', () => undefined).destroy();
    }).listen(port, host);
    servers.push(server);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  before(async () => {
    const { gateway } = pair().place;
    await listen(gateway.host, gateway.port);
  });
  after(() => {
    for (const server of servers) server.close();
  });

  test('the gateway answers on its port, and knows the sandbox by its address', { timeout }, async () => {
    const { bad, place } = pair();
    seen = [];
    const { host, port } = place.gateway;
    assert.equal(await bad.evaluate(dial(host, port, { patienceMs: openMs })), `open ${bad.address.source}`);
    assert.deepEqual(seen, [bad.address.source]);
  });

  test('the gateway is silent on every other port', { timeout }, async () => {
    const { bad, place } = pair();
    const port = await listen(place.gateway.host);
    assert.equal(await bad.evaluate(dial(place.gateway.host, port)), 'silence');
  });

  test('there is no way to other addresses: of the host, the neighbour, metadata, the world', { timeout }, async () => {
    const { bad, good } = pair();
    for (const host of [...hostAddresses(), good.address.source, '169.254.169.254', '1.1.1.1'])
      assert.equal(await bad.evaluate(dial(host, 8080)), 'ENETUNREACH', host);
  });

  test('with a route of its own making there still is none', { timeout }, async () => {
    const { bad, good, place } = pair();
    await bad.inNetwork('ip', 'route', 'add', 'default', 'via', place.gateway.host, 'dev', 'eth0', 'onlink');
    try {
      const ports = new Map<string, number>();
      for (const host of hostAddresses()) ports.set(host, await listen(host));
      for (const [host, port] of [
        ...ports,
        [good.address.source, 8080],
        ['169.254.169.254', 80],
        ['1.1.1.1', 443],
      ] as const)
        assert.equal(await bad.evaluate(dial(host, port)), 'silence', host);
    } finally {
      await bad.inNetwork('ip', 'route', 'del', 'default');
    }
  });

  test('a forged source address is dropped', { timeout }, async () => {
    const { bad, good, place } = pair();
    const { host, port } = place.gateway;
    const forged = good.address.source;
    await bad.inNetwork('ip', 'address', 'add', `${forged}/32`, 'dev', 'eth0');
    try {
      seen = [];
      assert.equal(await bad.evaluate(dial(host, port, { localAddress: forged })), 'silence');
      assert.deepEqual(seen, []);
    } finally {
      await bad.inNetwork('ip', 'address', 'del', `${forged}/32`, 'dev', 'eth0');
    }
  });

  test('there is no IPv6', { timeout }, async () => {
    const { bad, place } = pair();
    assert.equal((await bad.run('cat', '/proc/net/if_inet6')).stdout, '');
    assert.match(await bad.evaluate(dial('::1', 8080)), /EADDRNOTAVAIL|ENETUNREACH/);
    const interfaces = await run(['ip', '-6', 'address', 'show', 'up']);
    assert.ok(!interfaces.stdout.includes(linkPrefix(place.instance)));
  });

  test('root inside cannot change its links, addresses and routes, nor send raw packets', { timeout }, async () => {
    const { bad } = pair();
    for (const argv of [
      ['ip', 'link', 'set', 'eth0', 'down'],
      ['ip', 'address', 'add', '10.0.0.1/8', 'dev', 'eth0'],
      ['ip', 'route', 'add', 'default', 'dev', 'eth0'],
    ])
      assert.match((await bad.run(...argv)).stderr, /not permitted/, argv.join(' '));
    assert.equal(await raw('PF_INET, SOCK_RAW, 1'), 'Operation not permitted');
    assert.equal(await raw('17, SOCK_RAW, 768'), 'Operation not permitted');

    async function raw(socket: string): Promise<string> {
      const script = `use Socket; print socket(my $s, ${socket}) ? "open" : $!`;
      return (await bad.run('perl', '-e', script)).stdout;
    }
  });

  test('nobody else reaches the gateway, and nobody beside the host a sandbox', { timeout }, async () => {
    const { bad, place } = pair();
    const stranger = `${place.instance}x`;
    const link = `x${place.instance}`;
    await run(['ip', 'netns', 'add', stranger]);
    try {
      await run(['ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', stranger]);
      await run(['ip', 'address', 'add', '198.18.77.1/30', 'dev', link]);
      await run(['ip', 'link', 'set', link, 'up']);
      const within = ['ip', 'netns', 'exec', stranger];
      await run([...within, 'ip', 'address', 'add', '198.18.77.2/30', 'dev', 'eth0']);
      await run([...within, 'ip', 'link', 'set', 'eth0', 'up']);
      await run([...within, 'ip', 'route', 'add', 'default', 'via', '198.18.77.1']);
      const reach = async (host: string, port: number, dialling?: Dialling) => {
        const script = `console.log(await ${dial(host, port, dialling)})`;
        const argv = [process.execPath, '--input-type=module', '--eval', script];
        return (await run([...within, ...argv], { deadlineMs: 60_000 })).stdout.trim();
      };
      const open = await listen('198.18.77.1');
      assert.equal(await reach('198.18.77.1', open, { patienceMs: openMs }), 'open 198.18.77.2'); // so it is not the link
      assert.equal(await reach(place.gateway.host, place.gateway.port), 'silence');
      assert.equal(await reach(bad.address.agent.host, bad.address.agent.port), 'silence');
    } finally {
      await run(['ip', 'netns', 'delete', stranger]);
    }
  });
});

describe('from the host', { skip: (await whyNoRealSandbox()) ?? false }, () => {
  const pair = withTwoSandboxes();

  test('root and the group of the controller call an agent, and no other person does', { timeout }, async () => {
    const { host, port } = pair().good.address.agent;
    const call = async (uid: number, gid: number) => {
      const person = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
      const dialling = ['bash', '-c', 'exec 3<> "/dev/tcp/$0/$1"', host, String(port)];
      return run(['setpriv', ...person, ...dialling], { allow: [1], deadlineMs: 30_000 });
    };
    assert.equal((await call(0, 0)).code, 0);
    assert.equal((await call(65_534, callers)).code, 0);
    assert.match((await call(65_534, 65_534)).stderr, /Connection refused/);
    assert.match((await call(1000, 100)).stderr, /Connection refused/);
  });
});

function hostAddresses(): string[] {
  const lists = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return lists.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address);
}
