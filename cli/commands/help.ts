/** `polydev help` */

import type { Command } from '../main.ts';

const text = `Polydev: signed in once, called from anywhere.

  polydev run PROVIDER [PROMPT|-]     run a prompt and stream the answer; - or nothing reads it from stdin
      -m, --model NAME                another model than the tool's default
      -a, --account NAME              with several accounts: which, by its address or label
      --json                          every event as one line of JSON
  polydev runs                        the latest runs
      --limit N                       how many (20)
  polydev sandbox list                the sandboxes there are now
  polydev sandbox logs ID             what is known of one: its timeline and its console; of one that is gone, if it
                                      ended badly. ID is its own, or that of its sign-in or run
      --journal                       the system journal of it instead
      --screenshot FILE               writes the picture of its desktop, as PNG
  polydev connections                 which tools are connected
  polydev connect PROVIDER --api-key-stdin
      --label NAME                    beside another account of the same tool
  polydev login --token-stdin         remember where Polydev is and an API token of yours
      --url ADDRESS                   (http://localhost:4000)
  polydev help

  polydev up | down | doctor | image | test
                                      on the machine that runs Polydev

PROVIDER is claude_code, openai_codex or google_gemini; claude, codex and gemini do as well.
POLYDEV_URL and POLYDEV_TOKEN go before what \`polydev login\` remembered.
`;

export const help: Command = async () => {
  process.stdout.write(text);
  return 0;
};
