/** The agent: our one program inside a sandbox. Its interface is protocol/agent.ts. */

import { providers } from '@polydev/providers';
import { startAgent } from './agent.ts';
import { readConfig } from './config.ts';
import { createLog } from './log.ts';
import { sayReady } from './ready-line.ts';

const config = readConfig();
const agent = await startAgent(config, { providers, log: createLog(process.stderr) });
sayReady(config.console);

process.once('SIGTERM', () => {
  agent.stop();
  process.exit(0);
});
