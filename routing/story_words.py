"""The words of a call's story, English and Chinese side by side. Names in braces are fields of the event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Language = Literal["en", "zh"]

LINES: Final[Mapping[str, tuple[str, str, str]]] = {
    # It rings, and the hotline talks
    "call-rang": ("caller", "{caller} calls {dialled}", "{caller} 拨打 {dialled}"),
    "call-answered": ("hotline", "answers", "接听"),
    "prompt-heard": ("hotline", "{prompt} ({length})", "{prompt}（{length}）"),
    "prompt-heard/part": ("hotline", "{prompt} (heard {heard} of {length})", "{prompt}（{length}，听了 {heard}）"),
    "prompt-heard/key": (
        "hotline",
        "{prompt} (heard {heard} of {length}, cut by a key)",
        "{prompt}（{length}，听了 {heard}，按键打断）",
    ),
    "prompt-heard/hang-up": (
        "hotline",
        "{prompt} (heard {heard} of {length}, cut by the hang-up)",
        "{prompt}（{length}，听了 {heard}，挂机打断）",
    ),
    "key-pressed": ("caller", "presses {key} at {at_prompt}", "在 {at_prompt} 按 {key}"),
    "wrong-key": ("caller", "presses {key}, which {at_prompt} does not offer", "按 {key}，{at_prompt} 没有这个选项"),
    "no-key": ("caller", "presses nothing at {prompt}", "在 {prompt} 未按键"),
    "call-routed": ("hotline", "sends the call to {to}", "转入 {to}"),
    "call-routed/priority": ("hotline", "sends the call to {to}, priority {priority}", "转入 {to}，优先级 {priority}"),
    "call-routed/message": ("hotline", "asks for a message", "请用户留言"),
    "call-routed/hangup": ("hotline", "has said everything", "播报完毕"),
    # The caller waits, agents are asked
    "call-queued": ("queue", "the caller waits in {queue}", "用户在 {queue} 排队"),
    "call-queued/position": (
        "queue",
        "the caller waits in {queue}, number {position} in line",
        "用户在 {queue} 排队，排第 {position} 位",
    ),
    "agent-offered": ("queue", "offers the call to agent {agent}", "呼叫坐席 {agent}"),
    "offer-missed": ("agent", "does not take the call (rang {rang})", "未接（振铃 {rang}）"),
    "agent-answered": ("agent", "picks up; the caller waited {waited}", "接听，用户等待 {waited}"),
    "greeting-started": ("hotline", "begins to say the work number {agent}", "开始报工号 {agent}"),
    "greeting-ended": ("hotline", "has said the work number", "工号播报完毕"),
    "greeting-ended/cut": ("hotline", "is cut short: somebody hung up", "工号未报完即挂机"),
    "call-requeued": ("queue", "the caller is first in line again ({why})", "用户回到队首（{why}）"),
    # They talk
    "talk-started": ("agent", "talks with the caller", "与用户通话"),
    "hold-started": ("agent", "puts the caller on hold", "保持用户"),
    "hold-ended": ("agent", "takes the caller back from hold", "取消保持"),
    "call-transferred/blind": ("by", "hands the caller over to {to}", "直接转接到 {to}"),
    "call-transferred/attended": ("by", "speaks to {to} and hands the caller over", "咨询 {to} 后转接"),
    "talk-ended/caller": (
        "caller",
        "ends the talk with agent {agent} ({talked})",
        "结束与坐席 {agent} 的通话（{talked}）",
    ),
    "talk-ended/agent": ("agent", "ends the talk ({talked})", "结束通话（{talked}）"),
    "talk-ended/hotline": (
        "hotline",
        "ends the talk with agent {agent} ({talked})",
        "结束与坐席 {agent} 的通话（{talked}）",
    ),
    "talk-ended/unknown": (
        "agent",
        "talks no longer ({talked}); who ended it is not known",
        "通话结束（{talked}），不知由谁结束",
    ),
    # How it ends
    "call-abandoned/ringing": ("caller", "hangs up before the answer ({waited})", "接听前挂机（{waited}）"),
    "call-abandoned/menu": (
        "caller",
        "hangs up in the menu ({waited} after the ring)",
        "在菜单挂机（来电后 {waited}）",
    ),
    "call-abandoned/queue": ("caller", "hangs up while waiting (waited {waited})", "排队中挂机（等待 {waited}）"),
    "call-abandoned/greeting": (
        "caller",
        "hangs up before the work number was said (waited {waited})",
        "工号报完前挂机（等待 {waited}）",
    ),
    "call-abandoned/message": (
        "caller",
        "hangs up instead of leaving a message ({waited})",
        "未留言即挂机（{waited}）",
    ),
    "message-left": ("caller", "leaves a message ({length}): {file}", "留言（{length}）：{file}"),
    "recording-kept": ("hotline", "keeps the recording ({length}): {file}", "录音已保存（{length}）：{file}"),
    "call-ended/caller": ("caller", "hung up, the call is over ({why})", "挂机，通话结束（{why}）"),
    "call-ended/agent": ("hotline", "the agent hung up, the call is over ({why})", "坐席挂机，通话结束（{why}）"),
    "call-ended/hotline": ("hotline", "hung up, the call is over ({why})", "挂机，通话结束（{why}）"),
    "call-ended/unknown": (
        "hotline",
        "the call is over; who hung up is not known ({why})",
        "通话结束，不知由谁挂机（{why}）",
    ),
    # An agent's day
    # What people at the desk did
    "number-revealed": ("user", "sees the caller's whole number", "查看完整号码"),
    "recording-played": ("user", "plays the recording {file}", "播放录音 {file}"),
    "talk-attended/listen": ("user", "listens to the talk of agent {with_agent}", "监听坐席 {with_agent} 的通话"),
    "talk-attended/whisper": ("user", "whispers to agent {with_agent}", "对坐席 {with_agent} 密语"),
    "talk-attended/barge": ("user", "joins the talk of agent {with_agent}", "强插坐席 {with_agent} 的通话"),
    "call-moved": ("user", "moves the caller to {to}", "将用户移到 {to}"),
    "call-moved/message": ("user", "takes the caller out, to leave a message", "将用户移出排队，请其留言"),
    "agent-signed-in": ("agent", "signs in", "签入"),
    "agent-signed-out": ("agent", "signs out", "签出"),
    "agent-signed-out/by": ("user", "signs agent {agent} out", "将坐席 {agent} 签出"),
    "agent-paused": ("agent", "pauses: {reason}", "示忙：{reason}"),
    "agent-paused/by": ("user", "pauses agent {agent}: {reason}", "将坐席 {agent} 置忙：{reason}"),
    "agent-unpaused": ("agent", "is ready again", "示闲"),
    "agent-unpaused/by": ("user", "makes agent {agent} ready again", "将坐席 {agent} 置闲"),
    "agent-restored": ("agent", "is {state} again, as before Asterisk forgot it", "状态已恢复：{state}"),
    # What we could not see
    "link-lost": (
        "hotline",
        "lost the link to Asterisk: what follows may be incomplete",
        "与 Asterisk 的连接中断：以下可能不完整",
    ),
    "link-back": ("hotline", "has the link to Asterisk back after {away}", "与 Asterisk 的连接在 {away}后恢复"),
    "hotline-started": (
        "hotline",
        "was started anew: steps before this may be missing",
        "服务重新启动：此前可能有遗漏",
    ),
    "events-lost": ("hotline", "could not write {count} events", "有 {count} 条记录未能写入"),
    "not-recorded": ("gap", "not recorded: {steps}", "未记录：{steps}"),
}
"""By kind of event, and after a slash the case: who, and what they did. "agent" is the event's agent."""

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "caller": ("caller", "用户"),
    "hotline": ("hotline", "热线"),
    "queue": ("queue", "队列"),
    "agent": ("agent {agent}", "坐席 {agent}"),
    "by": ("agent {by}", "坐席 {by}"),
    "user": ("{by}", "{by}"),
    "gap": ("(gap)", "（空缺）"),
    "unknown": ("unknown", "不明"),
    "no caller": ("a withheld number", "未显示号码"),
    "why agent-hung-up": ("the agent hung up", "坐席挂机"),
    "no why": ("no reason given", "原因不明"),
    "state ready": ("ready", "示闲"),
    "state paused": ("paused", "示忙"),
    "state signed-out": ("signed out", "签出"),
    "seconds": ("{seconds} s", "{seconds} 秒"),
    "minutes": ("{minutes} min {seconds} s", "{minutes} 分 {seconds} 秒"),
    "and": (", ", "，"),
    # Steps that were not recorded
    "the call-rang": ("the ring", "来电"),
    "the call-answered": ("the hotline's answer", "热线接听"),
    "the call-queued": ("the start of the wait", "开始排队"),
    "the agent-offered": ("the offer to an agent", "呼叫坐席"),
    "the agent-answered": ("the agent's answer", "坐席接听"),
    "the greeting-started": ("the start of the work number", "开始报工号"),
    "the talk-started": ("the start of the talk", "通话开始"),
    "the talk-ended": ("the end of the talk", "通话结束"),
    "the hold-started": ("the start of the hold", "开始保持"),
    # The outcome in one line
    "answered": ("answered by agent {agent}", "坐席 {agent} 接听"),
    "answered after": ("answered by agent {agent} after {waited}", "等待 {waited}后坐席 {agent} 接听"),
    "handed over": ("handed over to {to}", "转接到 {to}"),
    "talked": ("talked {talked}", "通话 {talked}"),
    "talked unknown": ("how long they talked is not recorded", "通话时长未记录"),
    "ended caller": ("ended by the caller", "用户挂机"),
    "ended agent": ("ended by the agent", "坐席挂机"),
    "ended hotline": ("ended by the hotline", "热线挂机"),
    "ended unknown": ("who ended it is not recorded", "未记录由谁挂机"),
    "abandoned ringing": ("hung up before the answer after {waited}", "{waited}后在接听前挂机"),
    "abandoned menu": ("hung up in the menu after {waited}", "{waited}后在菜单挂机"),
    "abandoned queue": ("abandoned in queue {queue} after {waited}", "在队列 {queue} 等待 {waited}后放弃"),
    "abandoned greeting": ("hung up before the work number was said, after {waited}", "等待 {waited}后在报工号时挂机"),
    "abandoned message": ("hung up instead of leaving a message after {waited}", "{waited}后未留言即挂机"),
    "left a message": ("left a message of {length}", "留言 {length}"),
    "open": ("still going on, or its end was not recorded", "仍在进行，或结束未记录"),
    "nothing": ("nothing is recorded", "没有记录"),
}
"""Everything else: who they are, what a field's value is called, what became of the call."""
