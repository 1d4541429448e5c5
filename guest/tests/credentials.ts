/** Credential files as the tools leave them, with made-up contents. */

const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

export const claudeTokens = (refreshToken: string) =>
  JSON.stringify({
    claudeAiOauth: {
      accessToken: 'access',
      refreshToken,
      expiresAt: 1,
      scopes: ['user:inference'],
      subscriptionType: 'max',
    },
  });

export const claudeBlanked = JSON.stringify({ claudeAiOauth: { accessToken: '', refreshToken: '', expiresAt: 0 } });

export const claudeConsole = (primaryApiKey: string, numStartups = 1) =>
  JSON.stringify({ numStartups, primaryApiKey, oauthAccount: { emailAddress: 'a@example.com' } });

export const codexTokens = (refreshToken: string) =>
  JSON.stringify({
    auth_mode: 'chatgpt',
    OPENAI_API_KEY: null,
    tokens: { id_token: jwt({ email: 'a@example.com' }), access_token: jwt({}), refresh_token: refreshToken },
  });

export const geminiTokens = (refreshToken: string) =>
  JSON.stringify({ access_token: 'access', token_type: 'Bearer', refresh_token: refreshToken, expiry_date: 1 });
