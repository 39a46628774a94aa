// The queries of queries.ts on the database of COURSE_DB_URL; node runs what tsc has made of them.
//
//   node kysely.mjs FILE   FILE is queries.js; prints rows and, for each query, its plan
import { Kysely, PostgresDialect } from "kysely";
import { pathToFileURL } from "node:url";
import pg from "pg";

const queries = await import(pathToFileURL(process.argv[2]).href);
const pool = new pg.Pool({ connectionString: process.env.COURSE_DB_URL, max: 4 });
const db = new Kysely({ dialect: new PostgresDialect({ pool }) });

async function planned(query) {
  const plan = (await query.explain("text")).map((row) => row["QUERY PLAN"]).join("\n");
  return { rows: (await query.execute()).length, plan };
}

const instructor = (await db.selectFrom("instructors").select("id").limit(1)
  .executeTakeFirstOrThrow()).id;
const done = {
  catalogue: await planned(queries.catalogue(db, "databases", new Date("2100-01-01"))),
  newest: await planned(queries.newest(db)),
  search: await planned(queries.search(db, "first queries 4711")),
  facets: await planned(queries.facets(db, "typescript 4712")),
  contents: await planned(queries.contents(db, "sql-from-the-first-query")),
  enrolled: await planned(queries.enrolled(db, "user-7")),
  dashboard: await planned(queries.dashboard(db, instructor)),
  orders: await planned(queries.orders(db, "user-7")),
};
const twice = await Promise.all([1, 2, 3].map(() => queries.enrol(db, "somebody-new", "sql-from-the-first-query")));
done.enrolments = twice.filter(Boolean).length;
done.bought = (await Promise.all(["one", "two", "three"].map((user) =>
  queries.buy(db, user, ["sql-from-the-first-query", "typescript-for-the-server"], "last-one")))).sort((a, b) => a.total - b.total);
const { id: lesson } = await db.selectFrom("lessons").select("id").limit(1).executeTakeFirstOrThrow();
await queries.progress(db, "one", lesson, 90);
await queries.progress(db, "two", lesson, 10);
done.progress = await queries.progress(db, "one", lesson, 30);
console.log(JSON.stringify(done));
await db.destroy();
