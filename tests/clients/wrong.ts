import type { Kysely } from "kysely";
import type { DB } from "./types/course.js";

export function wrong(db: Kysely<DB>) {
  return db.selectFrom("courses").select("price").where("status", "=", 1);
}
