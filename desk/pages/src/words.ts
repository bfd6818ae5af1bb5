// Every word of the pages, Chinese and English side by side.

import { createContext } from "preact";
import { useContext } from "preact/hooks";

export type Language = "zh" | "en";

const WORDS = {
  title: ["热线监控", "Hotline board"],
  signIn: ["登录", "Sign in"],
  signOut: ["退出登录", "Sign out"],
  name: ["用户名", "Name"],
  password: ["密码", "Password"],
  wrongPassword: ["用户名或密码不正确", "The name or the password is wrong"],
  tooManyTries: ["尝试次数过多，请十五分钟后再试", "Too many tries; wait a quarter of an hour"],
  noAnswer: ["服务器没有响应，请稍后再试", "The server does not answer; try again"],
  lostPassword: ["忘记密码？请管理员运行 hotline user password 用户名", "Lost it? An admin runs: hotline user password NAME"],
  board: ["监控", "Board"],
  calls: ["通话记录", "Calls"],
  mine: ["我的坐席", "My desk"],
  live: ["实时", "Live"],
  staleSince: ["数据停留在", "Stale since"],
  staleServer: ["与服务器的连接中断，正在重连", "The line to the server is lost; trying again"],
  staleBoard: ["看板暂时不可用", "The board cannot be reached"],
  staleAsterisk: ["与 Asterisk 的连接中断，通话不受影响", "The link to Asterisk is down; calls go on"],
  staleLog: ["事件日志暂时无法写入", "The event log cannot be written just now"],
  staleFigures: ["统计数据暂时不是最新", "The figures are not up to date"],
  staleOther: ["部分数据已过时", "Some of this is old"],
  connecting: ["正在连接…", "Connecting…"],
  wallboard: ["大屏", "Wallboard"],
  leaveWallboard: ["退出大屏", "Leave the wallboard"],
  light: ["浅色", "Light"],
  dark: ["深色", "Dark"],
  language: ["EN", "中文"],
  languageLong: ["Switch to English", "切换到中文"],
  keys: ["快捷键：W 大屏，L 语言，T 深浅，1–3 切换页面", "Keys: W wallboard, L language, T dark or light, 1–3 pages"],
  // figures
  waiting: ["排队中", "Waiting"],
  longest: ["最长等待", "Longest wait"],
  talking: ["通话中", "In talk"],
  ready: ["空闲坐席", "Agents ready"],
  onDuty: ["在岗", "On duty"],
  liveCalls: ["在线通话", "Calls up"],
  answeredToday: ["今日接听", "Answered today"],
  offered: ["呼入", "Offered"],
  answered: ["接听", "Answered"],
  abandoned: ["放弃", "Abandoned"],
  flowedOut: ["溢出", "Flowed out"],
  serviceLevel: ["服务水平", "Service level"],
  connectRate: ["人工接通率", "Connect rate"],
  speed: ["平均应答", "Speed of answer"],
  today: ["今日", "today"],
  noFigures: ["今日尚无来电", "No calls yet today"],
  // queues
  queues: ["队列", "Queues"],
  nobodyWaits: ["无人排队", "Nobody is waiting"],
  nobodyReady: ["没有空闲坐席", "Nobody is ready"],
  nobodyOnDuty: ["无人在岗", "Nobody is on duty"],
  urgent: ["紧急", "Urgent"],
  rings: ["振铃", "ringing"],
  withheld: ["未显示号码", "withheld"],
  reveal: ["显示完整号码（将被记录）", "Show the whole number (this is written down)"],
  move: ["移到其他队列", "Move to another queue"],
  takeOut: ["移出并请其留言", "Take out, to leave a message"],
  more: ["其他操作", "More"],
  // agents
  agents: ["坐席", "Agents"],
  "signed-out": ["未签入", "Signed out"],
  "state-ready": ["空闲", "Ready"],
  "no-phone": ["话机离线", "Phone gone"],
  ringing: ["振铃", "Ringing"],
  "state-talking": ["通话", "Talking"],
  "wrap-up": ["话后", "Wrap-up"],
  paused: ["示忙", "Paused"],
  thenPause: ["通话后示忙", "pauses after this"],
  listen: ["监听", "Listen"],
  whisper: ["密语", "Whisper"],
  barge: ["强插", "Barge"],
  attendHow: ["您的话机将振铃", "Your own phone will ring"],
  yourPhoneRings: ["您的话机正在振铃，请接听", "Your phone rings: pick it up"],
  noPhone: ["您的账号没有话机：hotline user role 用户名 --role … --number 工号", "Your account has no phone: hotline user role NAME --role … --number NUMBER"],
  pause: ["置忙", "Pause"],
  unpause: ["置闲", "Make ready"],
  moreTime: ["延长话后", "More time"],
  enough: ["结束话后", "Wrap-up done"],
  forceOut: ["强制签出", "Sign out"],
  signInAgent: ["签入", "Sign in"],
  why: ["原因", "Reason"],
  rest: ["小休", "Rest"],
  meal: ["就餐", "Meal"],
  training: ["培训", "Training"],
  meeting: ["会议", "Meeting"],
  other: ["其他", "Other"],
  "missed-calls": ["连续未接", "Missed calls"],
  supervisor: ["主管要求", "Supervisor"],
  cancel: ["取消", "Cancel"],
  done: ["已完成", "Done"],
  // call
  menu: ["菜单", "In the menu"],
  queue: ["排队", "Waiting"],
  greeting: ["报工号", "Work number"],
  talk: ["通话", "Talk"],
  hold: ["保持", "On hold"],
  transfer: ["转接中", "Transfer"],
  message: ["留言", "Message"],
  ending: ["结束", "Ending"],
  callStory: ["通话经过", "Story"],
  recording: ["录音", "Recording"],
  play: ["播放", "Play"],
  stopPlaying: ["暂停", "Pause"],
  playIsLogged: ["播放将被记录", "Playing is written down"],
  noRecording: ["没有录音", "No recording"],
  agentSide: ["坐席", "agent"],
  callerSide: ["用户", "caller"],
  backToBoard: ["返回", "Back"],
  noCalls: ["还没有通话", "No calls yet"],
  callGone: ["没有这个通话", "There is no such call"],
  recent: ["最近的通话", "Recent calls"],
  // curve
  perHour: ["每小时来电", "Calls per hour"],
  usual: ["平时", "usual"],
  thisDay: ["今日", "today"],
  noCurve: ["今日首个来电后显示", "Shown after the first call of the day"],
  alarms: ["告警", "Alarms"],
  since: ["自", "since"],
  people: ["用户", "Users"],
} as const satisfies Record<string, readonly [string, string]>;

export type Word = keyof typeof WORDS;
export type Say = (word: Word) => string;

export const inLanguage =
  (language: Language): Say =>
  (word) =>
    WORDS[word][language === "zh" ? 0 : 1];

/** A word if we have it, else what was given: reasons may be anybody's own. */
export const sayOr = (say: Say, word: string): string => (word in WORDS ? say(word as Word) : word);

export const Tongue = createContext<{ language: Language; say: Say }>({ language: "zh", say: inLanguage("zh") });
export const useWords = () => useContext(Tongue);

/** A label that the site gives in several languages. */
export const labelled = (label: Record<string, string>, language: Language, otherwise: string): string =>
  label[language] ?? Object.values(label)[0] ?? otherwise;
