// What a course site asks of the course database, with the types that kysely-codegen has made.
import type { Kysely, Transaction } from "kysely";
import { sql } from "kysely";
import type { DB, RefundReason } from "./types/course.js";

/** The catalogue page: published courses of a category, the newest first. */
export function catalogue(db: Kysely<DB>, category: string, below: Date) {
  return db
    .selectFrom("courses")
    .innerJoin("course_categories", "course_categories.course_id", "courses.id")
    .innerJoin("categories", "categories.id", "course_categories.category_id")
    .where("categories.slug", "=", category)
    .where("courses.status", "=", "published")
    .where("courses.published_at", "<", below)
    .select(["courses.id", "courses.slug", "courses.title", "courses.price_minor", "courses.currency"])
    .orderBy("courses.published_at", "desc")
    .orderBy("courses.id")
    .limit(20);
}

function published(db: Kysely<DB>) {
  return db.selectFrom("courses").where("status", "=", "published");
}

/** The newest courses of all. */
export function newest(db: Kysely<DB>) {
  return published(db)
    .select(["slug", "title", "published_at"])
    .orderBy("published_at", "desc")
    .orderBy("id")
    .limit(20);
}

/** Published courses with the words that somebody typed, the best first. */
export function search(db: Kysely<DB>, words: string) {
  const query = sql`websearch_to_tsquery('english', ${words})`;
  return published(db)
    .where(sql<boolean>`search @@ ${query}`)
    .select(["slug", "title", sql<number>`ts_rank(search, ${query})`.as("rank")])
    .orderBy("rank", "desc")
    .orderBy("id")
    .limit(20);
}

/** How many of the courses found are of each level. */
export function facets(db: Kysely<DB>, words: string) {
  return published(db)
    .where(sql<boolean>`search @@ websearch_to_tsquery('english', ${words})`)
    .groupBy("level")
    .select(["level", sql<string>`count(*)`.as("courses")])
    .orderBy("level");
}

/** A course page with its sections and lessons, in their order. */
export function contents(db: Kysely<DB>, slug: string) {
  return db
    .selectFrom("courses")
    .innerJoin("sections", "sections.course_id", "courses.id")
    .innerJoin("lessons", "lessons.section_id", "sections.id")
    .where("courses.slug", "=", slug)
    .select(["sections.title as section", "lessons.title as lesson", "lessons.duration_seconds"])
    .orderBy("sections.position")
    .orderBy("lessons.position");
}

/** A learner's own courses. */
export function enrolled(db: Kysely<DB>, user: string) {
  return db
    .selectFrom("enrollments")
    .innerJoin("courses", "courses.id", "enrollments.course_id")
    .where("enrollments.user_id", "=", user)
    .select(["courses.slug", "courses.title", "enrollments.created_at"])
    .orderBy("enrollments.created_at", "desc");
}

/** Enrols a learner once, however often it is asked for. */
export async function enrol(db: Kysely<DB>, user: string, slug: string) {
  return db.transaction().execute(async (transaction) => {
    const course = await transaction
      .selectFrom("courses").where("slug", "=", slug).where("status", "=", "published")
      .select("id").executeTakeFirstOrThrow();
    return transaction
      .insertInto("enrollments")
      .values({ user_id: user, course_id: course.id })
      .onConflict((conflict) => conflict.doNothing())
      .returning("id")
      .executeTakeFirst();
  });
}

/** How many learners each course of an instructor has. */
export function dashboard(db: Kysely<DB>, instructor: string) {
  return db
    .selectFrom("course_instructors")
    .innerJoin("courses", "courses.id", "course_instructors.course_id")
    .leftJoin("enrollments", "enrollments.course_id", "courses.id")
    .where("course_instructors.instructor_id", "=", instructor)
    .groupBy(["courses.id", "courses.title"])
    .select(["courses.title", sql<string>`count(enrollments.id)`.as("learners")]);
}

/** A learner's orders, the newest first, with what they hold. */
export function orders(db: Kysely<DB>, user: string) {
  return db
    .selectFrom("orders")
    .innerJoin("order_items", "order_items.order_id", "orders.id")
    .innerJoin("courses", "courses.id", "order_items.course_id")
    .where("orders.user_id", "=", user)
    .select(["orders.id", "orders.total_minor", "orders.status", "courses.title"])
    .orderBy("orders.created_at", "desc");
}

/** Does something as the application's role, for one learner: row-level security sees who it is. */
function asLearner<T>(db: Kysely<DB>, user: string, work: (transaction: Transaction<DB>) => Promise<T>) {
  return db.transaction().execute(async (transaction) => {
    await sql`SET LOCAL ROLE upskill_course_app`.execute(transaction);
    await sql`SELECT set_config('app.user_id', ${user}, true)`.execute(transaction);
    return work(transaction);
  });
}

/** Notes how far a learner is; it never goes back. */
export async function progress(db: Kysely<DB>, user: string, lesson: string, seconds: number) {
  return asLearner(db, user, async (transaction) => {
    await transaction
      .insertInto("lesson_progress")
      .values({ user_id: user, lesson_id: lesson, seconds_watched: seconds })
      .onConflict((conflict) => conflict.columns(["user_id", "lesson_id"]).doUpdateSet({
        seconds_watched: sql<number>`greatest(lesson_progress.seconds_watched, excluded.seconds_watched)`,
      }))
      .execute();
    // All that the role may see, whoever wrote it.
    return transaction
      .selectFrom("lesson_progress").select(["user_id", "seconds_watched"]).execute();
  });
}

/** Answers a lesson's quiz with the options that are right, but for so many, and hands it in. */
export async function attempt(db: Kysely<DB>, user: string, lesson: string, mistakes: number) {
  return asLearner(db, user, async (transaction) => {
    const quiz = await transaction
      .selectFrom("quizzes").where("lesson_id", "=", lesson)
      .select(["id", "pass_percent"]).executeTakeFirst();
    if (quiz === undefined) return undefined;
    const options = await transaction
      .selectFrom("quiz_questions")
      .innerJoin("quiz_options", "quiz_options.question_id", "quiz_questions.id")
      .where("quiz_id", "=", quiz.id)
      .select(["question_id", "quiz_options.id", "is_correct", "points"])
      .orderBy("quiz_questions.position").execute();
    const { id } = await transaction
      .insertInto("quiz_attempts").values({ quiz_id: quiz.id, user_id: user })
      .returning("id").executeTakeFirstOrThrow();
    const right = options.filter((one) => one.is_correct);
    const chosen = [...right.slice(mistakes), ...options.filter((one) => !one.is_correct).slice(0, mistakes)];
    await transaction
      .insertInto("quiz_answers")
      .values(chosen.map((one) => ({
        attempt_id: id, quiz_id: quiz.id, question_id: one.question_id, option_id: one.id,
      })))
      .execute();
    const points = right.slice(mistakes).reduce((sum, one) => sum + one.points, 0);
    const all = right.reduce((sum, one) => sum + one.points, 0);
    await transaction
      .updateTable("quiz_attempts").where("id", "=", id)
      .set({
        submitted_at: sql<Date>`now()`, points, of_points: all,
        passed: points * 100 >= all * quiz.pass_percent,
      })
      .execute();
    // All that the role may see, whoever wrote it.
    return transaction
      .selectFrom("quiz_attempts")
      .innerJoin("quiz_answers", "quiz_answers.attempt_id", "quiz_attempts.id")
      .groupBy(["user_id", "quiz_attempts.id"])
      .select(["user_id", "points", "passed", sql<string>`count(*)`.as("answers")])
      .orderBy("quiz_attempts.id").execute();
  });
}

/** Who holds the certificate with this code, and for which course. */
export function certificate(db: Kysely<DB>, code: string) {
  return db
    .selectFrom("certificates")
    .innerJoin("enrollments", "enrollments.id", "certificates.enrollment_id")
    .innerJoin("courses", "courses.id", "enrollments.course_id")
    .where("code", "=", code)
    .select(["holder_name", "courses.title", "issued_at", "revoked_at"]);
}

/** Gives back what is left of a payment; of two at once the second waits, and finds nothing left. */
export async function refund(db: Kysely<DB>, reference: string, reason: RefundReason) {
  return db.transaction().execute(async (transaction) => {
    const payment = await transaction
      .selectFrom("payments").where("provider", "=", "stripe").where("reference", "=", reference)
      .where("status", "=", "succeeded")
      .select(["id", "amount_minor"]).forUpdate().executeTakeFirst();
    if (payment === undefined) return undefined;
    const { given } = await transaction
      .selectFrom("refunds").where("payment_id", "=", payment.id)
      .select(sql<string>`coalesce(sum(amount_minor), 0)`.as("given")).executeTakeFirstOrThrow();
    const left = BigInt(payment.amount_minor) - BigInt(given);
    if (left <= 0n) return undefined;
    return transaction
      .insertInto("refunds").values({ payment_id: payment.id, reason, amount_minor: left })
      .returning(["reason", "amount_minor"]).executeTakeFirstOrThrow();
  });
}

/** The live lessons that come next. */
export function live(db: Kysely<DB>) {
  return db
    .selectFrom("lessons")
    .innerJoin("sections", "sections.id", "lessons.section_id")
    .innerJoin("courses", "courses.id", "sections.course_id")
    .where("lessons.kind", "=", "live")
    .where("starts_at", ">", new Date())
    .select(["courses.slug", "lessons.title", "starts_at"])
    .orderBy("starts_at")
    .limit(20);
}

/** Notes that something happened in a lesson; returns how much the role sees of such. */
export async function happened(db: Kysely<DB>, user: string, lesson: string, kind: string) {
  return asLearner(db, user, async (transaction) => {
    await transaction
      .insertInto("lesson_events").values({ user_id: user, lesson_id: lesson, kind }).execute();
    return transaction
      .selectFrom("lesson_events").select(["user_id", "kind"]).execute();
  });
}

/** A course as the catalogue shows it. */
export function shown(db: Kysely<DB>, slug: string) {
  return db
    .selectFrom("catalogue").where("slug", "=", slug)
    .select(["title", "instructors", "learners", "reviews", "rating"]);
}

/** Published courses whose titles contain what somebody has typed so far. */
export function titled(db: Kysely<DB>, part: string) {
  return published(db)
    .where("title", "ilike", `%${part.replace(/[\\%_]/g, "\\$&")}%`)
    .select(["slug", "title"])
    .limit(20);
}

/** How far the learners of a course come, as of the last refresh. */
export function completion(db: Kysely<DB>, course: string) {
  // kysely-codegen leaves materialized views out.
  return sql<{ learners: string; lessons_completed: string }>`
    SELECT learners, lessons_completed FROM course_completion WHERE course_id = ${course}`.execute(db);
}

/** Buys courses, with a coupon if one is given and still left. */
export async function buy(db: Kysely<DB>, user: string, slugs: string[], code?: string) {
  return db.transaction().execute(async (transaction) => {
    const courses = await transaction
      .selectFrom("courses").where("slug", "in", slugs)
      .select(["id", "price_minor", "currency"]).execute();
    const subtotal = courses.reduce((sum, one) => sum + BigInt(one.price_minor), 0n);
    const redeemed = code === undefined ? null : (await sql<{ id: string | null }>`
      SELECT redeem_coupon(${code}) AS id`.execute(transaction)).rows[0]?.id ?? null;
    const coupon = redeemed === null ? undefined : await transaction
      .selectFrom("coupons").where("id", "=", redeemed).select("percent_off").executeTakeFirst();
    const discount = (subtotal * BigInt(coupon?.percent_off ?? 0)) / 100n;
    const order = await transaction
      .insertInto("orders")
      .values({
        user_id: user, coupon_id: redeemed, currency: courses[0]?.currency ?? "EUR",
        subtotal_minor: subtotal, discount_minor: discount,
      })
      .returning(["id", "total_minor"])
      .executeTakeFirstOrThrow();
    await transaction
      .insertInto("order_items")
      .values(courses.map((one) => ({
        order_id: order.id, course_id: one.id, price_minor: one.price_minor,
      })))
      .execute();
    return { total: order.total_minor, redeemed: redeemed !== null };
  });
}
