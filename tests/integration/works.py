"""A store full of alerts that no sink has had yet, for tests of what tells people about them."""

import csv
import io
import json
import subprocess

from harness import CARBONGATE, Process, free_port

SITE = """
site: {{id: works, name: 示范工厂, timezone: Asia/Shanghai, grid_region: CN-SC}}
brokers: {{plant: {{url: "mqtt://127.0.0.1:{broker}"}}}}
devices:
  - {{id: incomer, driver: mqtt, broker: plant, topic: plant/incomer, interval: 1min, timestamp: {{json: /t, format: epoch-ms}},
     points: [{{name: power, json: /p, unit: kW, kind: instantaneous}}]}}
energy_users: [{{id: hall, consumes: [{{carrier: electricity, from: incomer.power}}]}}]
alerts:
  rules:
    - {{id: overload, name: Transformer overload, name_zh: 变压器过载, severity: critical, points: [incomer.power], above: 800}}
{rules}
store: {{path: store}}
sinks:
{sinks}
"""


class Works:
    def __init__(self, folder, sinks, excursions, begin=1_767_225_600, last=500, rules=()):
        """`sinks`: their keys, in flow style. So many overloads, each raised and resolved, a minute apart; and a last reading.
        `rules`: more of them, as the sinks."""
        self.config = folder / "works.yaml"
        self.config.write_text(SITE.format(broker=free_port(), sinks="\n".join(f"  - {{{sink}}}" for sink in sinks),
                                           rules="\n".join(f"    - {{{rule}}}" for rule in rules)))
        lines = ["time,point,value"]
        for n in range(2 * excursions):
            lines.append(f"{(begin + n * 60) * 1000},incomer.power,{500 if n % 2 == 0 else 900 + n}")
        lines.append(f"{(begin + 2 * excursions * 60) * 1000},incomer.power,{last}")
        (folder / "morning.csv").write_text("\n".join(lines) + "\n")
        self.run("replay", self.config, "--input", folder / "morning.csv")
        self.gateway = Process([CARBONGATE, "run", self.config], folder / "gateway.log")

    def run(self, *args):
        result = subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def alerts(self):
        lines = self.run("export", self.config, "--what", "alerts", "--format", "jsonl").splitlines()
        return [json.loads(line) for line in lines]

    def deliveries(self, *options):
        return list(csv.DictReader(io.StringIO(self.run("deliveries", self.config, "--format", "csv", *options))))
