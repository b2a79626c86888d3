/** Jobs: the list, kept up to date by the server's event stream for as long as a page shows it. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { QueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { ask } from "@/api/client";
import { listen } from "@/api/events";
import type { Schemas } from "@/api/call";

export type JobState = "waiting" | "running" | "done" | "failed" | "cancelled";

export type Job = Schemas["JobView"];

export type Outcome = Schemas["OutcomeView"];

const KEY = ["jobs"];
const MOST = 500;

export const isOver = (job: Job) =>
  job.state === "done" || job.state === "failed" || job.state === "cancelled";

export function useJobs() {
  return useQuery({ queryKey: KEY, queryFn: fetchJobs });
}

interface Heard {
  job: Job;
  /** Of the page's own clock. */
  atMs: number;
}

/** What the stream has told of jobs lately. */
const heard = new Map<number, Heard>();

async function fetchJobs(): Promise<Job[]> {
  const askedMs = performance.now();
  const jobs = await ask<Job[]>("api/jobs", { query: { limit: MOST } });
  for (const [id, { atMs }] of heard) if (atMs < askedMs) heard.delete(id);
  return broughtUp(jobs, [...heard.values()], askedMs);
}

/**
 * Return a list with what the stream has told since it was asked for: that may be newer, and nothing tells it again.
 * What was deleted meanwhile stays away.
 */
export function broughtUp(jobs: readonly Job[], told: readonly Heard[], askedMs: number): Job[] {
  const newest = jobs[0]?.id ?? 0;
  let list = [...jobs];
  for (const { job, atMs } of told)
    if (atMs >= askedMs && (job.id > newest || jobs.some((each) => each.id === job.id)))
      list = merged(list, job);
  return list;
}

/** Put a job into the list, in its place by number. */
export function merged(jobs: readonly Job[] | undefined, job: Job): Job[] {
  const others = (jobs ?? []).filter((each) => each.id !== job.id);
  const at = others.findIndex((each) => each.id < job.id);
  others.splice(at < 0 ? others.length : at, 0, job);
  return others;
}

function keepJob(queries: QueryClient, job: Job): void {
  heard.set(job.id, { job, atMs: performance.now() });
  queries.setQueryData<Job[]>(KEY, (jobs) => (jobs ? merged(jobs, job) : jobs));
}

/** Put a job that was just started into the list; what the stream has told of it meanwhile is newer. */
export function addJob(queries: QueryClient, job: Job): void {
  queries.setQueryData<Job[]>(KEY, (jobs) =>
    !jobs || jobs.some((each) => each.id === job.id) ? jobs : merged(jobs, job),
  );
}

/** Hear of every job's changes while the page is open; what was missed while the line was down is asked for. */
export function useJobEvents(): void {
  const queries = useQueryClient();
  useEffect(() => {
    const job = (told: unknown) => keepJob(queries, told as Job);
    return listen(
      "api/jobs/events",
      () => ({}),
      { job },
      () => void queries.invalidateQueries({ queryKey: KEY }),
    );
  }, [queries]);
}

export function useJobAction(action: "cancel" | "retry" | "delete") {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: number) =>
      action === "delete"
        ? ask<undefined>(`api/jobs/${id}`, { method: "DELETE" })
        : ask<Job>(`api/jobs/${id}/${action}`, { method: "POST", json: {} }),
    // The stream tells how a job goes on, but not that it is deleted.
    onSuccess: () => queries.invalidateQueries({ queryKey: KEY }),
  });
}

export function useDeleteEnded() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => ask<{ removed: number }>("api/jobs", { method: "DELETE" }),
    onSuccess: () => queries.invalidateQueries({ queryKey: KEY }),
  });
}

export function useOutcomes(job: Job, results: readonly string[]) {
  return useQuery({
    queryKey: ["outcomes", job.id, results, isOver(job) ? "over" : job.failed + job.warned],
    queryFn: () => ask<Outcome[]>(`api/jobs/${job.id}/outcomes`, { query: { result: results, limit: 200 } }),
  });
}
