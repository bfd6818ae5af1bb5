// Alarms that are on, the oldest first.

import type { Picture } from "./picture";
import { clock } from "./time";
import { labelled, sayOr, useWords, type Language } from "./words";

interface Alarm {
  alarm: string;
  kind: string;
  queue: string | null;
  of: string | null;
  since: string;
  value: string | number | null;
  limit: string | number | null;
}

const KINDS: Record<string, [string, string]> = {
  "longest-wait": ["用户等待过久", "A caller waits too long"],
  "nobody-ready": ["无空闲坐席", "Nobody is ready"],
  "service-level": ["服务水平过低", "The service level is low"],
  "calls-swing": ["来电量异常波动", "Calls are far from the usual"],
  "trunk-lost": ["中继线路中断", "A trunk is lost"],
  "phone-lost": ["话机离线", "A phone is gone"],
  "asterisk-lost": ["与 Asterisk 的连接中断", "The link to Asterisk is lost"],
  "log-stuck": ["事件日志无法写入", "The event log cannot be written"],
  drift: ["状态已自动校正", "The picture had to be put right"],
  "outbox-stuck": ["通知发送受阻", "Notices are stuck"],
};

export function Alarms({ picture }: { picture: Picture }) {
  const { say, language } = useWords();
  const alarms = (Object.values(picture.alarms) as unknown as Alarm[]).sort((one, other) => one.since.localeCompare(other.since));
  if (alarms.length === 0) return null;
  return (
    <section class="alarms" aria-label={say("alarms")}>
      {alarms.map((alarm) => (
        <div class="alarm" role="alert" key={alarm.alarm} data-alarm={alarm.alarm}>
          <strong>{KINDS[alarm.kind]?.[language === "zh" ? 0 : 1] ?? alarm.kind}</strong>
          {about(alarm, picture, language) && <b>{about(alarm, picture, language)}</b>}
          {alarm.value !== null && (
            <span class="num">
              {String(alarm.value)}
              {alarm.limit !== null && ` / ${String(alarm.limit)}`}
            </span>
          )}
          <span class="num">
            {sayOr(say, "since")} {clock(Date.parse(alarm.since), false)}
          </span>
        </div>
      ))}
    </section>
  );
}

/** The queue, the agent or the trunk that it is about. */
function about(alarm: Alarm, picture: Picture, language: Language): string {
  const queue = alarm.queue === null ? undefined : picture.queues[alarm.queue];
  const named = queue ? labelled(queue.label, language, queue.queue) : (alarm.queue ?? "");
  return [named, alarm.of ?? ""].filter(Boolean).join(" · ");
}
