// The program beside the browser's own, which it runs at each start.
pref("general.config.filename", "polydev.cfg");
pref("general.config.obscure_value", 0);
pref("general.config.sandbox_enabled", false);
