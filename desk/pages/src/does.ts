// What a leader does with agents and callers; each says what came of it.

import { post } from "./api";
import { tell, tellProblem } from "./Toasts";
import type { Say } from "./words";

export type How = "listen" | "whisper" | "barge";

const done = (work: Promise<unknown>, word: string): void => void work.then(() => tell(word), tellProblem);

export const step = (agent: string, name: string, say: Say, body?: object): void =>
  done(post(`/api/agents/${agent}/${name}`, body), say("done"));

export const attend = (call: string, how: How, say: Say): void =>
  done(post(`/api/calls/${encodeURIComponent(call)}/attend`, { how }), say("yourPhoneRings"));

export const move = (call: string, to: string, say: Say): void =>
  done(post(`/api/calls/${encodeURIComponent(call)}/move`, { to }), say("done"));

export const reveal = (call: string): Promise<string | null> =>
  post<{ caller: string | null }>(`/api/calls/${encodeURIComponent(call)}/reveal`).then((told) => told.caller);
