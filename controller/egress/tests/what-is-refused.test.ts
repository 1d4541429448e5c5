import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { isPublic } from '../policy.ts';
import { parseAuthority, targetOf } from '../target.ts';
import { all, connectRequest, socksRequest, startGateway, startTcp, take } from './world.ts';

const privateAddresses = [
  ...[
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.255',
  ],
  ...['192.168.0.1', '192.168.255.255', '169.254.169.254', '169.254.0.1', '100.64.0.1', '100.127.255.1', '192.0.0.1'],
  ...['192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1'],
  ...[
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'febf::1',
    'fec0::1',
    'fc00::1',
    'fd00::1',
    'fd00:ec2::254',
    'ff02::1',
  ],
  ...['::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:8.8.8.8', '::ffff:a9fe:a9fe', '::127.0.0.1', '::7f00:1'],
  ...[
    '::ffff:0:127.0.0.1',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::a00:1',
    '2002:7f00:1::',
    '2002:a00:1::1',
  ],
  ...['168.63.129.16', '2001::1', '2001:db8::1', '3fff::1', '100::1', '5f00::1', '4000::1'],
];
const publicAddresses = [
  '8.8.8.8',
  '1.1.1.1',
  '168.63.129.15',
  '172.15.0.1',
  '172.32.0.1',
  '100.63.0.1',
  '100.128.0.1',
  '2606:4700::1111',
  '2a00:1450::1',
];
/** Addresses to a lenient resolver, names to nobody. */
const oddSpellings = [
  ...[
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0x7f.0.0.1',
    '017700000001',
    '0177.0.0.1',
    '127.1',
    '127.0.1',
    '127.0.0.1.',
  ],
  ...[
    '127.0.0.01',
    '1.2.3.256',
    '1.2.3.4.5',
    '0',
    '0x',
    '3232235521',
    'foo.0x7f',
    'foo.1',
    '127。0。0。1',
    '①②⑦.0.0.1',
  ],
];
const lenient = new Set(['127.0.0.1.']); // a final dot is a spelling of the name, so this is 127.0.0.1

suite('the gateway refuses', { timeout: 60_000 }, () => {
  test('every address that is not public unicast, and takes those that are', () => {
    for (const address of privateAddresses) assert.equal(isPublic(address), false, address);
    for (const address of publicAddresses) assert.equal(isPublic(address), true, address);
    fc.assert(fc.property(fc.string(), (text) => /^[\d.:a-f]+$/i.test(text) || !isPublic(text)));
  });

  test('a private address that is asked for, by CONNECT, in absolute form and by SOCKS5', async (t) => {
    const { enter, refusals } = await startGateway(t);
    for (const address of privateAddresses) {
      const host = address.includes(':') ? `[${address}]` : address;
      for (const ask of [connectRequest(`${host}:443`), `GET http://${host}/ HTTP/1.1\r\nHost: a\r\n\r\n`]) {
        const socket = enter();
        socket.write(ask);
        const [head = '', body = ''] = (await all(socket)).split('\r\n\r\n');
        assert.match(head, /^HTTP\/1.1 403 Forbidden\r\n/, ask);
        const { error } = JSON.parse(body);
        assert.equal(error.code, 'egress_refused');
        assert.match(error.message, /^[^.]*\S+ is not a public internet address\.$/);
      }
      const socket = enter();
      const { greeting, request } = socksRequest(address, 443);
      socket.write(Buffer.concat([greeting, request]));
      assert.equal((await take(socket, 12))[3], 2, address);
    }
    assert.deepEqual([...new Set(refusals)], ['address']);
    assert.equal(refusals.length, 3 * privateAddresses.length);
  });

  test('every odd spelling of an address', async (t) => {
    const { enter } = await startGateway(t);
    for (const spelling of oddSpellings) {
      if (!lenient.has(spelling)) assert.equal(targetOf(spelling, 443), null, spelling);
      const socket = enter();
      socket.write(Buffer.from(connectRequest(`${spelling}:443`), 'utf8'));
      assert.match(await all(socket), /^HTTP\/1.1 40[03] /, spelling);
    }
  });

  test('localhost by name, and what is no name at all', async (t) => {
    const { enter } = await startGateway(t);
    const hosts = [
      'localhost',
      'LOCALHOST.',
      'a.localhost',
      'user@api.example',
      '-a.example',
      'a..example',
      `${'a'.repeat(64)}.example`,
      'a_b.ex ample',
      '[::1%25lo]',
      '[fe80::1%eth0]',
    ];
    for (const host of hosts) {
      const socket = enter();
      socket.write(connectRequest(`${host}:443`));
      assert.match(await all(socket), /^HTTP\/1.1 40[03] /, host);
    }
  });

  test('a name with a private address among its public ones', async (t) => {
    const answers = [
      ['127.0.0.1'],
      ['8.8.8.8', '10.0.0.1'],
      ['8.8.8.8', '::1'],
      ['2606:4700::1111', '64:ff9b::a00:1'],
      ['169.254.169.254', '8.8.8.8'],
      ['8.8.8.8', 'junk'],
    ];
    for (const addresses of answers) {
      const { enter, refusals } = await startGateway(t, { resolve: async () => addresses });
      const socket = enter();
      socket.write(connectRequest('mixed.example:443'));
      assert.match(await all(socket), /^HTTP\/1.1 403 [\s\S]*"egress_refused"/, addresses.join());
      assert.deepEqual(refusals, ['address']);
    }
  });

  test('this host by its own address, even a public one', async (t) => {
    const own = Object.values(networkInterfaces()).flatMap((entries) => entries?.map(({ address }) => address) ?? []);
    const { enter } = await startGateway(t, { resolve: async () => own });
    const socket = enter();
    socket.write(connectRequest('me.example:443'));
    assert.match(await all(socket), /^HTTP\/1.1 403 /);
  });

  test('ports that are not allowed, and takes those that are', async (t) => {
    const { enter, refusals } = await startGateway(t, { allowedPorts: [443, 8443] });
    const answerTo = async (ask: string) => {
      const socket = enter();
      socket.write(ask);
      return all(socket);
    };
    for (const port of [22, 25, 80, 3128, 65535])
      assert.match(await answerTo(connectRequest(`8.8.8.8:${port}`)), /^HTTP\/1.1 403 [\s\S]*Port/, String(port));
    assert.match(await answerTo('GET http://8.8.8.8/ HTTP/1.1\r\nHost: a\r\n\r\n'), /^HTTP\/1.1 403 [\s\S]*Port/);
    assert.equal(refusals.length, 6);
    assert.match(await answerTo(connectRequest('nowhere.example:8443')), /^HTTP\/1.1 502 [\s\S]*resolved/);
  });

  test('a redirect to a private address, which is only another request', async (t) => {
    const port = await startTcp(t, (socket) => {
      socket.once('data', () =>
        socket.end('HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/\r\nContent-Length: 0\r\n\r\n'),
      );
    });
    const { enter } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    const socket = enter();
    socket.write('GET http://api.example/ HTTP/1.1\r\nHost: a\r\n\r\n');
    const head = (await take(socket, 80)).toString();
    const location = /Location: (\S+)/i.exec(head)?.[1];
    socket.write(`GET ${location} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.match(await all(socket), /HTTP\/1.1 403 /);
  });

  test('a name that is only like a routed one', async (t) => {
    const port = await startTcp(t, (socket) => socket.end('reached'));
    const { enter } = await startGateway(t, {
      routes: { 'api.example': `127.0.0.1:${port}`, 'db.example:5432': `127.0.0.1:${port}` },
    });
    const reached = async (authority: string) => {
      const socket = enter();
      socket.write(connectRequest(authority));
      return (await all(socket)).endsWith('reached');
    };
    assert.equal(await reached('api.example:443'), true);
    assert.equal(await reached('db.example:5432'), true, 'the operator may name a port that is closed otherwise');
    for (const host of ['db.example:443', 'x.api.example:443', 'api.example.evil.example:443', 'xapi.example:443'])
      assert.equal(await reached(host), false, host);
  });

  test('who comes from an address that it does not know, without a word', async (t) => {
    const { enter, refusals, count } = await startGateway(t);
    const socket = enter('127.0.0.2');
    socket.write(connectRequest('api.example:443'));
    assert.equal(await all(socket), '');
    assert.deepEqual(refusals, ['source']);
    assert.equal(count.open, 0);
  });

  test('nothing that it understood wrongly: what it takes is written exactly as it was read', () => {
    const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.string(), fc.stringMatching(/^[0-9a-fx.:]{1,20}$/));
    fc.assert(
      fc.property(host, fc.nat(70_000), (text, port) => {
        const target = parseAuthority(`${text}:${port}`) ?? parseAuthority(`[${text}]:${port}`);
        if (!target) return;
        assert.equal(target.host, text.toLowerCase().replace(/\.$/, ''));
        assert.equal(target.port, port);
      }),
      { numRuns: 2000 },
    );
  });
});
