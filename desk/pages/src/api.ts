// Asks the server. A change carries the session's proof that it comes from these pages.

export type Role = "agent" | "complaint-handler" | "lead" | "inspector" | "supervisor" | "admin";

export interface Me {
  name: string;
  role: Role;
  number: string | null;
  csrf: string | null;
}

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

let csrf: string | null = null;
let signedOut: () => void = () => undefined;

/** What to do when the server no longer knows the session: it has run out, or the user was changed or removed. */
export const whenSignedOut = (act: () => void): void => void (signedOut = act);

export async function me(): Promise<Me | null> {
  try {
    return remember(await ask<Me>("GET", "/api/me"));
  } catch (problem) {
    if (problem instanceof Refused && problem.status === 401) return null;
    throw problem;
  }
}

export const signIn = async (name: string, password: string): Promise<Me> =>
  remember(await ask<Me>("POST", "/api/sign-in", { name, password }));

export const get = <Answer>(path: string): Promise<Answer> => ask<Answer>("GET", path);
export const post = <Answer = unknown>(path: string, body?: object): Promise<Answer> => ask<Answer>("POST", path, body);

export const remove = (path: string): Promise<unknown> => ask("DELETE", path);

export async function bytes(path: string): Promise<ArrayBuffer> {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw await refusal(answer);
  return answer.arrayBuffer();
}

async function ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (csrf !== null && method !== "GET") headers["X-Hotline-Csrf"] = csrf;
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const answer = await fetch(path, { method, headers, body: sent, cache: "no-store" }).catch(() => {
    throw new Refused(0, "no-answer", "");
  });
  if (answer.status === 401) signedOut();
  if (!answer.ok) throw await refusal(answer);
  return (await answer.json()) as Answer;
}

async function refusal(answer: Response): Promise<Refused> {
  const said = (await answer.json().catch(() => ({}))) as { code?: string; error?: string };
  return new Refused(answer.status, said.code ?? "http", said.error ?? answer.statusText);
}

function remember(mine: Me): Me {
  csrf = mine.csrf;
  return mine;
}
