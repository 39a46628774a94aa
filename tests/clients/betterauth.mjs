// BetterAuth as the platform configures it, on the database of AUTH_DB_URL.
//
//   node betterauth.mjs migrations   what its own migrator would do: nothing
//   node betterauth.mjs core         a person's life without plugins, as the first release had it
//   node betterauth.mjs calls        the same with all plugins; prints what came back
import { createHmac } from "node:crypto";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import {
  admin, emailOTP, jwt, magicLink, organization, twoFactor, username,
} from "better-auth/plugins";
import { apiKey } from "@better-auth/api-key";
import { passkey } from "@better-auth/passkey";
import pg from "pg";

const pool = new pg.Pool({
  connectionString: process.env.AUTH_DB_URL, max: 2, application_name: "better-auth",
});
// What the test itself asks and prepares.
const aside = new pg.Pool({
  connectionString: process.env.AUTH_DB_URL, max: 1, application_name: "test",
});
const sent = [];
const core = {
  database: pool,
  baseURL: "http://localhost:3000",
  secret: "cU7pQ2mZx9Lr4TgB8vNs1WkY6hJd3FaE0oRiXtCq",
  emailAndPassword: { enabled: true },
  user: { deleteUser: { enabled: true } },
  telemetry: { enabled: false },
};
const all = {
  ...core,
  rateLimit: { enabled: true, storage: "database", max: 1000 },
  plugins: [
    twoFactor(), organization({ teams: { enabled: true } }), admin(), username(), passkey(),
    apiKey(), jwt(),
    magicLink({ sendMagicLink: async (one) => { sent.push(["magic link", one.email]); } }),
    emailOTP({ sendVerificationOTP: async (one) => { sent.push(["otp", one.email, one.otp]); } }),
  ],
};

async function migrations() {
  const plans = {};
  for (const [name, options] of Object.entries({ core, all })) {
    const plan = await getMigrations(options, { throwOnUnsafe: false });
    plans[name] = {
      created: plan.toBeCreated.map((one) => one.table),
      added: plan.toBeAdded.map((one) => [one.table, Object.keys(one.fields)]),
      indexes: plan.toBeAddedIndexes,
      unsafe: plan.unsafeChanges,
      problems: plan.schemaProblems,
    };
  }
  return plans;
}

// A browser: keeps its cookies.
class Browser {
  constructor(auth) {
    this.auth = auth;
    this.cookies = new Map();
  }
  async call(path, body, method = body === undefined ? "GET" : "POST") {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await this.auth.handler(new Request(`http://localhost:3000/api/auth${path}`, {
      method,
      headers: {
        cookie,
        origin: "http://localhost:3000",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        "x-forwarded-for": "192.0.2.1",
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    }));
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      if (value) this.cookies.set(name, value); else this.cookies.delete(name);
    }
    const text = await response.text();
    const found = text ? JSON.parse(text) : null;
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${response.status} ${text}`);
    }
    return found;
  }
}

function totp(uri) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const secret = new URL(uri).searchParams.get("secret").replace(/=+$/, "");
  const bits = [...secret].map((one) => letters.indexOf(one).toString(2).padStart(5, "0")).join("");
  const bytes = Buffer.from(bits.match(/.{8}/g).map((one) => parseInt(one, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigInt64BE(BigInt(Math.floor(Date.now() / 30000)));
  const digest = createHmac("sha1", bytes).update(counter).digest();
  const at = digest[19] & 15;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1000000).padStart(6, "0");
}

async function count(table, column, value) {
  const { rows } = await aside.query(
    `SELECT count(*)::int AS n FROM "${table}" WHERE "${column}" = $1`, [value]);
  return rows[0].n;
}

async function coreCalls() {
  const auth = betterAuth(core);
  const browser = new Browser(auth);
  const email = `core-${Date.now()}@example.org`;
  const password = "correct horse battery";
  await browser.call("/sign-up/email", { email, password, name: "Core" });
  await browser.call("/sign-out", {});
  await browser.call("/sign-in/email", { email, password });
  const { user } = await browser.call("/get-session");
  await browser.call("/change-password", { currentPassword: password, newPassword: "another one" });
  await browser.call("/delete-user", { password: "another one" });
  return { email: user.email === email, left: await count("session", "userId", user.id) };
}

async function calls() {
  const auth = betterAuth(all);
  const done = {};
  const ada = new Browser(auth);
  const password = "correct horse battery";
  const { user } = await ada.call("/sign-up/email", {
    email: "ada@example.org", password, name: "Ada", username: "Ada_L",
  });
  done.signUp = [user.email, user.role, user.username];
  await ada.call("/sign-out", {});
  await ada.call("/sign-in/email", { email: "ada@example.org", password });
  done.session = (await ada.call("/get-session")).user.id === user.id;
  const expiry = async () => (await aside.query(
    `SELECT "expiresAt" FROM session WHERE "userId" = $1`, [user.id])).rows[0].expiresAt;
  await aside.query(`UPDATE session SET "expiresAt" = now() + interval '1 day',
    "updatedAt" = now() - interval '6 days' WHERE "userId" = $1`, [user.id]);
  const before = await expiry();
  ada.cookies.delete("better-auth.session_data");
  await ada.call("/get-session");
  done.refreshed = (await expiry()) > before;
  await ada.call("/change-password", {
    currentPassword: password, newPassword: "a new password", revokeOtherSessions: true,
  });
  await new Browser(auth).call("/sign-in/username", { username: "ada_l", password: "a new password" });
  done.passwordChanged = true;

  const bob = new Browser(auth);
  const other = (await bob.call("/sign-up/email", {
    email: "bob@example.org", password, name: "Bob", username: "bob",
  })).user;
  const place = await ada.call("/organization/create", { name: "School", slug: "school" });
  const team = await ada.call("/organization/create-team", {
    name: "Teachers", organizationId: place.id,
  });
  const invitation = await ada.call("/organization/invite-member", {
    email: "bob@example.org", role: "member", organizationId: place.id, teamId: team.id,
  });
  await aside.query(`UPDATE "user" SET "emailVerified" = true WHERE id = $1`, [other.id]);
  bob.cookies.delete("better-auth.session_data");
  await bob.call("/organization/accept-invitation", { invitationId: invitation.id });
  done.member = await count("member", "userId", other.id);
  done.teamMember = await count("teamMember", "userId", other.id);

  const { totpURI, backupCodes } = await ada.call("/two-factor/enable", {
    password: "a new password",
  });
  await ada.call("/two-factor/verify-totp", { code: totp(totpURI) });
  const again = new Browser(auth);
  const asked = await again.call("/sign-in/email", {
    email: "ada@example.org", password: "a new password",
  });
  await again.call("/two-factor/verify-backup-code", { code: backupCodes[0] });
  done.twoFactor = [asked.twoFactorRedirect, (await again.call("/get-session")).user.id === user.id];

  const key = await ada.call("/api-key/create", { name: "robot", expiresIn: 86400 });
  done.apiKey = (await auth.api.verifyApiKey({ body: { key: key.key } })).valid;

  await aside.query(`UPDATE "user" SET role = 'admin' WHERE id = $1`, [user.id]);
  ada.cookies.delete("better-auth.session_data");
  await ada.call("/admin/ban-user", { userId: other.id, banReason: "spam" });
  done.banned = await new Browser(auth)
    .call("/sign-in/email", { email: "bob@example.org", password })
    .then(() => "let in", (error) => /BANNED_USER/.test(error.message));
  await ada.call("/admin/unban-user", { userId: other.id });

  const context = await auth.$context;
  await context.adapter.create({
    model: "passkey",
    data: {
      name: "phone", publicKey: "key", userId: user.id, credentialID: "credential", counter: 0,
      deviceType: "multiDevice", backedUp: true, transports: "internal", createdAt: new Date(),
    },
  });
  done.passkeys = (await ada.call("/passkey/list-user-passkeys")).length;
  done.token = (await ada.call("/token")).token.split(".").length;
  done.keys = (await ada.call("/jwks")).keys.length;
  await bob.call("/email-otp/send-verification-otp", { email: "bob@example.org", type: "sign-in" });
  const otp = sent.find((one) => one[0] === "otp")[2];
  const third = new Browser(auth);
  done.otp = (await third.call("/sign-in/email-otp", { email: "bob@example.org", otp })).user.email;
  await new Browser(auth).call("/sign-in/magic-link", { email: "bob@example.org" });
  done.magicLink = sent.some((one) => one[0] === "magic link");
  done.rateLimits = (await aside.query(`SELECT count(*)::int AS n FROM "rateLimit"`)).rows[0].n > 0;

  await ada.call("/organization/delete", { organizationId: place.id });
  await ada.call("/delete-user", { password: "a new password" });
  const tables = ["session", "account", "twoFactor", "passkey", "member", "teamMember"];
  done.left = {};
  for (const table of tables) done.left[table] = await count(table, "userId", user.id);
  done.users = (await aside.query(`SELECT email FROM "user" WHERE email LIKE '%.org'`))
    .rows.map((one) => one.email);
  return done;
}

const wanted = { migrations, core: coreCalls, calls }[process.argv[2]];
try {
  console.log(JSON.stringify(await wanted()));
} finally {
  await pool.end();
  await aside.end();
}
