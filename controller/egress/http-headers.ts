/** Headers on their way through a proxy (RFC 9110, 7.6.1). */

const hopByHop = [
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
];

/** Names and values in turn, without those that are for the next hop only and those in `without` (lower case). */
export function endToEnd(rawHeaders: readonly string[], without: readonly string[] = []): string[] {
  const pairs = rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? '']] : []));
  const dropped = new Set([...hopByHop, ...without]);
  for (const [name = '', value = ''] of pairs)
    if (name.toLowerCase() === 'connection')
      for (const named of value.toLowerCase().split(',')) dropped.add(named.trim());
  return pairs.filter(([name = '']) => !dropped.has(name.toLowerCase())).flat();
}
