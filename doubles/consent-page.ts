/** The page that asks a person whether the tool may use their account. */

import type { Account } from './accounts.ts';
import { escapeHtml, type Look, page } from './pages.ts';

export interface Consent {
  look: Look;
  account: Account;
  /** Who asks, for example `Claude Code`. */
  tool: string;
  /** What it may do then, in words. */
  asks: readonly string[];
  /** Where the form goes, on the same host. */
  action: string;
  hidden: Readonly<Record<string, string>>;
  /** A code that the person types, for sign-in on another device. */
  askForCode?: boolean;
}

export function consentPage(consent: Consent): string {
  const { look, account, tool } = consent;
  const hidden = Object.entries(consent.hidden).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  const asks = consent.asks.map((ask) => `<li>${escapeHtml(ask)}</li>`);
  const code = consent.askForCode
    ? '<input class="code" name="user_code" autofocus required placeholder="Code shown by the tool" autocomplete="off">'
    : '';
  return page(
    look,
    `Approve sign-in to ${look.product}`,
    `<h1>${escapeHtml(tool)} would like to use your ${escapeHtml(look.product)} account</h1>
<div class="who"><span>${escapeHtml(account.name.slice(0, 1))}</span>
<div>${escapeHtml(account.name)}<small>${escapeHtml(account.email)}</small></div></div>
<p>It would be able to:</p>
<ul>${asks.join('')}</ul>
<form method="post" action="${escapeHtml(consent.action)}">
${hidden.join('\n')}
${code}
<div class="buttons">
<button class="main" id="approve" name="decision" value="approve"${consent.askForCode ? '' : ' autofocus'}>Approve</button>
<button id="deny" name="decision" value="deny" formnovalidate>Deny</button>
</div>
</form>
<script>
  // Who is impatient decides once all the same.
  const form = document.querySelector('form');
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = 'yes';
  });
  // Enter approves and D denies wherever the focus is, unless it is in a field or on the other button.
  const decisions = { Enter: 'approve', d: 'deny' };
  addEventListener('keydown', (event) => {
    const decision = document.getElementById(decisions[event.key]);
    const focus = document.activeElement;
    if (!decision || event.repeat) return;
    if (event.key === 'Enter' ? focus?.id === 'deny' : focus?.matches('input')) return;
    event.preventDefault();
    decision.click();
  });
</script>`,
  );
}

/** Shows a code for the person to carry into the terminal. */
export function codePage(look: Look, code: string): string {
  return page(
    look,
    `Code for ${look.product}`,
    `<h1>Copy this code into the terminal</h1>
<input class="code" id="code" readonly autofocus value="${escapeHtml(code)}">
<div class="buttons"><button class="main" id="copy">Copy code</button></div>
<script>
  const field = document.getElementById('code');
  field.addEventListener('focus', () => field.select());
  field.select();
  document.getElementById('copy').addEventListener('click', async (event) => {
    await navigator.clipboard.writeText(field.value);
    event.target.textContent = 'Copied';
  });
</script>`,
  );
}
