/** The few things that the doubles' model knows by heart: what the dashboard suggests asking, and what newcomers try. */

interface Topic {
  about: RegExp;
  answer: string;
}

const reverseProxy = `A **reverse proxy** stands in front of your servers and speaks for them. Browsers talk to it alone:

\`\`\`text
browser ──►┌───────────────┐──► app  :3000
browser ──►│ reverse proxy │──► app  :3001
browser ──►└───────────────┘──► files
                  │
          TLS, limits, logs
\`\`\`

1. It ends TLS, so certificates live in one place.
2. It chooses a server for each request, by path, by name or in turn.
3. It can cache, compress, and refuse what comes too often.

A *forward* proxy is the opposite: it speaks for the **clients**.`;

const largestFiles = `This lists the ten largest files below a folder, largest first:

\`\`\`sh
#!/bin/sh
# Usage: largest.sh [FOLDER]
set -eu

find "\${1:-.}" -xdev -type f -printf '%s\\t%p\\n' |
  sort -rn |
  head -n 10 |
  numfmt --field=1 --to=iec
\`\`\`

- \`-xdev\` keeps it on one file system.
- \`%s\` is the size in bytes, and \`numfmt\` turns it into \`1.4G\`.
- File names with a line break in them would confuse \`sort\`.`;

const nightlyRebase = `I would not run that unattended. What can go wrong:

| what | why it hurts |
|---|---|
| History changes under people | whoever pulled yesterday has to untangle it today |
| Conflicts at 3 a.m. | a job can only skip them, so stale branches stay stale |
| Clean merge, broken code | nothing tells you that two good changes do not fit |
| Review comments | they lose the lines that they were about |

**Instead:** rebase when the author asks for it, and let the job only *report* which branches no longer apply:

\`\`\`sh
git merge-tree --write-tree main "$branch" >/dev/null || echo "$branch conflicts with main"
\`\`\``;

const addressInUse = `\`EADDRINUSE\` means that **another program already listens** on the address and port that yours asked for. See which:

\`\`\`sh
ss -ltnp 'sport = :4000'
\`\`\`

Stop that program, or let yours listen on another port. Right after a crash the port may also be held for a minute by
connections that are still closing; \`SO_REUSEADDR\` gets around that.`;

const polydev = `**Polydev** signs you in to AI command-line tools once and lets you call them from anywhere:

1. *Connect* gives you a private desktop in your browser tab, where you sign in with the official tool.
2. The credential is sealed in a vault, proved, and the desktop is destroyed.
3. Each prompt runs the official tool in a sandbox of its own. That is what happened just now.

From a script it looks like this:

\`\`\`sh
polydev run claude_code "What does EADDRINUSE mean?"
\`\`\``;

const hello = `Hello! Your prompt travelled the whole way: dashboard, vault, a fresh sandbox, **the official tool**, and me.

Ask me about *a reverse proxy*, *the ten largest files* or *17 × 23*; or tell me to \`say exactly\` something.`;

const haiku = `> One prompt, one sandbox.
> The answer flows, word by word.
> Then all is swept clean.`;

const topics: readonly Topic[] = [
  { about: /\breverse proxy\b/i, answer: reverseProxy },
  { about: /\blargest files\b/i, answer: largestFiles },
  { about: /\brebase/i, answer: nightlyRebase },
  { about: /\bEADDRINUSE\b/i, answer: addressInUse },
  { about: /\bpolydev\b/i, answer: polydev },
  { about: /\b(haiku|poem)\b/i, answer: haiku },
  { about: /^\W*(hello|hi|hey|good (morning|evening)|who are you|what are you|what can you do)\b/i, answer: hello },
];

const operations: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};

/** `17 * 23` and the like. */
function sum(prompt: string): string | undefined {
  const match = /(-?\d+(?:\.\d+)?)\s*([-+*/×x÷])\s*(-?\d+(?:\.\d+)?)/.exec(prompt);
  const [, left = '', sign = '', right = ''] = match ?? [];
  const operation = operations[sign.replace(/[×x]/, '*').replace('÷', '/')];
  const result = operation?.(Number(left), Number(right));
  if (result === undefined || !Number.isFinite(result)) return undefined;
  return `${left} ${sign} ${right} = **${Number(result.toPrecision(12))}**`;
}

/** Undefined for what it does not know. */
export function knownAnswer(prompt: string): string | undefined {
  return topics.find(({ about }) => about.test(prompt))?.answer ?? sum(prompt);
}
