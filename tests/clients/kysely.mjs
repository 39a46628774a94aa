// The queries of queries.ts on the database of COURSE_DB_URL; node runs what tsc has made of them.
//
//   node kysely.mjs FILE           FILE is queries.js; prints rows and, for each query, its plan
//   node kysely.mjs FILE VERSION   runs what an application of that version asks; prints its names
import { Kysely, PostgresDialect, sql } from "kysely";
import { pathToFileURL } from "node:url";
import pg from "pg";

const queries = await import(pathToFileURL(process.argv[2]).href);
const pool = new pg.Pool({ connectionString: process.env.COURSE_DB_URL, max: 4 });
const db = new Kysely({ dialect: new PostgresDialect({ pool }) });

async function planned(query) {
  const plan = (await query.explain("text")).map((row) => row["QUERY PLAN"]).join("\n");
  return { rows: (await query.execute()).length, plan };
}

const SLUG = "sql-from-the-first-query";
function must(found) {
  if (found === undefined) throw new Error("nothing was done");
  return found;
}

/** Makes a quiz for a lesson, where there is none, and answers it. */
async function attempt() {
  await sql`INSERT INTO quizzes (lesson_id) VALUES (1) ON CONFLICT DO NOTHING`.execute(db);
  await sql`INSERT INTO quiz_questions (quiz_id, position, prompt)
    SELECT id, 1, 'Why?' FROM quizzes WHERE NOT EXISTS (SELECT FROM quiz_questions)`.execute(db);
  await sql`INSERT INTO quiz_options (question_id, position, label, is_correct)
    SELECT id, n, 'Because', n = 1 FROM quiz_questions, generate_series(1, 2) n
    WHERE NOT EXISTS (SELECT FROM quiz_options)`.execute(db);
  return must(await queries.attempt(db, "user-7", "1", 0));
}

/** Pays an order, and gives the money back. */
async function refund(reason) {
  const { rows: [{ reference }] } = await sql`
    WITH bought AS (
      INSERT INTO orders (user_id, currency, subtotal_minor) VALUES ('user-7', 'EUR', 4900) RETURNING id
    ) INSERT INTO payments (order_id, provider, reference, status, amount_minor, currency)
    SELECT id, 'stripe', 'pi_' || id, 'succeeded', 4900, 'EUR' FROM bought RETURNING reference`.execute(db);
  return must(await queries.refund(db, reference, reason));
}

/** Since which version the application has asked what. */
const ASKED = {
  catalogue: ["006", () => queries.catalogue(db, "databases", new Date("2100-01-01")).execute()],
  newest: ["006", () => queries.newest(db).execute()],
  contents: ["006", () => queries.contents(db, SLUG).execute()],
  enrolled: ["006", () => queries.enrolled(db, "user-7").execute()],
  dashboard: ["006", () => queries.dashboard(db, "1").execute()],
  enrol: ["006", () => queries.enrol(db, "user-7", SLUG)],
  orders: ["007", () => queries.orders(db, "user-7").execute()],
  buy: ["008", () => queries.buy(db, "user-7", [SLUG], "nothing-left")],
  search: ["012", () => queries.search(db, "first queries").execute()],
  facets: ["012", () => queries.facets(db, "first queries").execute()],
  progress: ["014", () => queries.progress(db, "user-7", "1", 30)],
  attempt: ["016", attempt],
  certificate: ["017", () => queries.certificate(db, "0000-0000-0000-0000").execute()],
  refund: ["018", () => refund("duplicate")],
  withdrawn: ["019", () => refund("course_withdrawn")],
  live: ["020", () => queries.live(db).execute()],
  happened: ["024", () => queries.happened(db, "user-7", "1", "opened")],
  shown: ["025", () => queries.shown(db, SLUG).execute()],
  completion: ["025", () => queries.completion(db, "1")],
  titled: ["026", () => queries.titled(db, "first").execute()],
};

async function applicationOf(version) {
  const asked = Object.entries(ASKED).filter(([, [since]]) => since <= version);
  for (const [name, [, ask]] of asked) {
    try {
      await ask();
    } catch (error) {
      throw new Error(`${name}: ${error.message}`, { cause: error });
    }
  }
  return asked.map(([name]) => name);
}

async function withPlans() {
  const instructor = (await db.selectFrom("instructors").select("id").limit(1)
    .executeTakeFirstOrThrow()).id;
  const done = {
    catalogue: await planned(queries.catalogue(db, "databases", new Date("2100-01-01"))),
    newest: await planned(queries.newest(db)),
    search: await planned(queries.search(db, "first queries 4711")),
    facets: await planned(queries.facets(db, "typescript 4712")),
    contents: await planned(queries.contents(db, SLUG)),
    enrolled: await planned(queries.enrolled(db, "user-7")),
    dashboard: await planned(queries.dashboard(db, instructor)),
    orders: await planned(queries.orders(db, "user-7")),
    certificate: await planned(queries.certificate(db, "0000-0000-0000-0011")),
    live: await planned(queries.live(db)),
    shown: await planned(queries.shown(db, SLUG)),
    titled: await planned(queries.titled(db, "server 47")),
  };
  const twice = await Promise.all([1, 2, 3].map(() => queries.enrol(db, "somebody-new", SLUG)));
  done.enrolments = twice.filter(Boolean).length;
  done.bought = (await Promise.all(["one", "two", "three"].map((user) =>
    queries.buy(db, user, [SLUG, "typescript-for-the-server"], "last-one")))).sort((a, b) => a.total - b.total);
  const { id: lesson } = await db.selectFrom("lessons").select("id").limit(1).executeTakeFirstOrThrow();
  await queries.progress(db, "one", lesson, 90);
  await queries.progress(db, "two", lesson, 10);
  done.progress = await queries.progress(db, "one", lesson, 30);
  const { lesson_id: asked } = await db
    .selectFrom("quizzes").select("lesson_id").orderBy("id").limit(1).executeTakeFirstOrThrow();
  await queries.attempt(db, "two", asked, 0);
  await queries.attempt(db, "one", asked, 1);
  done.attempts = await queries.attempt(db, "one", asked, 0);
  await queries.happened(db, "two", lesson, "opened");
  done.events = await queries.happened(db, "one", lesson, "played");
  const asked_twice = [1, 2].map(() => queries.refund(db, "pi_1", "course_withdrawn"));
  done.refunds = (await Promise.all(asked_twice)).filter(Boolean);
  return done;
}

const version = process.argv[3];
console.log(JSON.stringify(version ? await applicationOf(version) : await withPlans()));
await db.destroy();
