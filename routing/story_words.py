"""The words of a call's story, English and Chinese side by side; names in braces are filled in by `routing/story.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Language = Literal["zh", "en"]

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    # Who
    "caller": ("caller", "用户"),
    "hotline": ("hotline", "热线"),
    "queue": ("queue", "队列"),
    "agent": ("agent {agent}", "坐席 {agent}"),
    "gap": ("(gap)", "（空缺）"),
    # It rings, and the hotline talks
    "rang": ("{caller} calls {dialled}", "{caller} 拨打 {dialled}"),
    "withheld": ("a withheld number", "未显示号码"),
    "answered": ("answers", "接听"),
    "prompt": ("{prompt} ({length})", "{prompt}（{length}）"),
    "prompt-part": ("{prompt} (heard {heard} of {length})", "{prompt}（听了 {heard}，共 {length}）"),
    "prompt-key": ("{prompt} (heard {heard} of {length}, cut by a key)", "{prompt}（听了 {heard}，共 {length}，按键打断）"),
    "prompt-hang-up": (
        "{prompt} (heard {heard} of {length}, cut by the hang-up)",
        "{prompt}（听了 {heard}，共 {length}，挂机打断）",
    ),
    "key": ("presses {key} at {prompt}", "在 {prompt} 按 {key}"),
    "wrong-key": ("presses {key}, which {prompt} does not offer", "按 {key}，{prompt} 没有这个选项"),
    "no-key": ("presses nothing at {prompt}", "在 {prompt} 未按键"),
    "routed": ("sends the call to {to}", "转入 {to}"),
    "routed-priority": ("sends the call to {to} with priority {priority}", "转入 {to}，优先级 {priority}"),
    "routed-message": ("asks the caller to leave a message", "请用户留言"),
    "routed-hangup": ("has said everything", "播报完毕"),
    # The caller waits
    "queued": ("the caller waits in {queue}", "用户在 {queue} 排队"),
    "queued-position": ("the caller waits in {queue}, number {position} in line", "用户在 {queue} 排队，排第 {position} 位"),
    "offered": ("offers the call to agent {agent}", "呼叫坐席 {agent}"),
    "missed": ("does not take the call (rang {rang})", "未接（振铃 {rang}）"),
    "agent-answered": ("picks up; the caller waited {waited}", "接听，用户等待 {waited}"),
    "greeting-started": ("says the agent's work number {agent}", "播报工号 {agent}"),
    "greeting-ended": ("the work number was said", "工号播报完毕"),
    "greeting-cut": ("somebody hung up before the work number was said", "工号未报完即挂机"),
    "requeued": ("the caller is first in line again ({why})", "用户回到队首（{why}）"),
    "agent-hung-up": ("the agent hung up", "坐席挂机"),
    # They talk
    "talk-started": ("talks with the caller", "与用户通话"),
    "hold-started": ("puts the caller on hold", "保持用户"),
    "hold-ended": ("takes the caller back from hold", "取消保持"),
    "transferred-blind": ("hands the caller over to {to}", "直接转接到 {to}"),
    "transferred-attended": ("speaks to {to} and hands the caller over", "咨询 {to} 后转接"),
    "talk-ended": ("ends the talk with agent {agent} ({talked})", "结束与坐席 {agent} 的通话（{talked}）"),
    "talk-ended-agent": ("ends the talk ({talked})", "结束通话（{talked}）"),
    "talk-ended-unknown": (
        "the talk with agent {agent} is over ({talked}); who ended it is not known",
        "与坐席 {agent} 的通话结束（{talked}），不知由谁结束",
    ),
    # How it ends
    "abandoned-ringing": ("hangs up before the hotline answers ({waited})", "接听前挂机（{waited}）"),
    "abandoned-menu": ("hangs up in the menu ({waited} after the ring)", "在菜单挂机（来电后 {waited}）"),
    "abandoned-queue": ("hangs up while waiting (waited {waited})", "排队中挂机（等待 {waited}）"),
    "abandoned-greeting": (
        "hangs up while the work number is said (waited {waited})",
        "工号播报中挂机（等待 {waited}）",
    ),
    "abandoned-message": ("hangs up instead of leaving a message ({waited})", "未留言即挂机（{waited}）"),
    "message": ("leaves a message ({length}): {file}", "留言（{length}）：{file}"),
    "recording": ("keeps the recording ({length}): {file}", "录音已保存（{length}）：{file}"),
    "ended-caller": ("the call is over: the caller hung up ({why})", "通话结束：用户挂机（{why}）"),
    "ended-agent": ("the call is over: the agent hung up ({why})", "通话结束：坐席挂机（{why}）"),
    "ended-hotline": ("the call is over: the hotline ended it ({why})", "通话结束：热线挂机（{why}）"),
    "ended-unknown": ("the call is over; who ended it is not known ({why})", "通话结束，不知由谁挂机（{why}）"),
    "no-reason": ("no reason given", "原因不明"),
    # Agents
    "signed-in": ("signs in", "签入"),
    "signed-out": ("signs out", "签出"),
    "paused": ("pauses: {reason}", "示忙：{reason}"),
    "unpaused": ("is ready again", "示闲"),
    "restored": ("is restored: {state}", "状态已恢复：{state}"),
    # What we could not see
    "link-lost": ("the link to Asterisk is lost: what follows may be incomplete", "与 Asterisk 的连接中断：以下可能不完整"),
    "link-back": ("the link to Asterisk is back after {away}", "与 Asterisk 的连接在 {away} 后恢复"),
    "hotline-started": ("the server was started anew: steps before this may be missing", "服务重新启动：此前可能有遗漏"),
    "events-lost": ("{count} events could not be written", "{count} 条记录未能写入"),
    "not-recorded": ("not recorded: {steps}", "未记录：{steps}"),
    "and": (", ", "、"),
    "step-rang": ("the ring", "来电"),
    "step-answered": ("the hotline's answer", "热线接听"),
    "step-queued": ("the start of the wait", "开始排队"),
    "step-offered": ("the offer to an agent", "呼叫坐席"),
    "step-agent-answered": ("an agent's answer", "坐席接听"),
    "step-greeting-started": ("the start of the work number", "开始报工号"),
    "step-talk-started": ("the start of the talk", "通话开始"),
    "step-talk-ended": ("the end of the talk", "通话结束"),
    "step-hold-started": ("the start of the hold", "开始保持"),
    # Lengths of time
    "seconds": ("{seconds} s", "{seconds} 秒"),
    "minutes": ("{minutes} min {seconds} s", "{minutes} 分 {seconds} 秒"),
    # The outcome in one line
    "was-answered": ("answered by agent {agent}", "坐席 {agent} 接听"),
    "was-answered-after": ("answered by agent {agent} after {waited}", "坐席 {agent} 接听（等待 {waited}）"),
    "was-handed-over": ("handed over to {to}", "转接到 {to}"),
    "was-talked": ("talked {talked}", "通话 {talked}"),
    "was-talked-unknown": ("how long they talked is not recorded", "通话时长未记录"),
    "was-ended-caller": ("ended by the caller", "用户挂机"),
    "was-ended-agent": ("ended by the agent", "坐席挂机"),
    "was-ended-hotline": ("ended by the hotline", "热线挂机"),
    "was-ended-unknown": ("who ended it is not recorded", "未记录由谁挂机"),
    "was-abandoned-ringing": ("hung up before the answer, after {waited}", "接听前挂机（{waited}）"),
    "was-abandoned-menu": ("hung up in the menu after {waited}", "在菜单挂机（{waited}）"),
    "was-abandoned-queue": ("abandoned in queue {queue} after {waited}", "在队列 {queue} 排队中放弃（{waited}）"),
    "was-abandoned-greeting": (
        "hung up while agent {agent}'s work number was said, after waiting {waited}",
        "坐席 {agent} 报工号时挂机（等待 {waited}）",
    ),
    "was-abandoned-message": ("hung up instead of leaving a message, after {waited}", "未留言即挂机（{waited}）"),
    "was-message": ("left a message of {length}", "留言 {length}"),
    "was-open": ("still going on, or its end was not recorded", "仍在进行，或结束未记录"),
    "nothing": ("nothing is recorded", "没有记录"),
    "unknown": ("(not recorded)", "（未记录）"),
}


def words_in(language: Language) -> Mapping[str, str]:
    """Return the words of one language."""
    place = 1 if language == "zh" else 0
    return {key: both[place] for key, both in WORDS.items()}
