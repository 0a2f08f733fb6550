"""A learning switch on os-ken: a frame to a station that is known gets a flow
entry, everything else is flooded."""

from __future__ import annotations

from typing import Any, Dict

from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.lib.packet import ethernet, packet
from os_ken.ofproto import ofproto_v1_3

LLDP = 0x88CC


class Learning(app_manager.OSKenApp):
    OFP_VERSIONS = [ofproto_v1_3.OFP_VERSION]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stations: Dict[int, Dict[str, int]] = {}

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def connected(self, event: Any) -> None:
        path = event.msg.datapath
        self.stations[path.id] = {}
        to_us = path.ofproto_parser.OFPActionOutput(path.ofproto.OFPP_CONTROLLER, path.ofproto.OFPCML_NO_BUFFER)
        self.add(path, 0, path.ofproto_parser.OFPMatch(), to_us)

    def add(self, path: Any, priority: int, match: Any, action: Any) -> None:
        ofp, parser = path.ofproto, path.ofproto_parser
        path.send_msg(parser.OFPFlowMod(
            datapath=path, priority=priority, match=match,
            instructions=[parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, [action])]))

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def heard(self, event: Any) -> None:
        message = event.msg
        path, port = message.datapath, message.match["in_port"]
        ofp, parser = path.ofproto, path.ofproto_parser
        frame = packet.Packet(message.data).get_protocol(ethernet.ethernet)
        if frame.ethertype == LLDP:
            return
        stations = self.stations.setdefault(path.id, {})
        stations[frame.src] = port
        out = parser.OFPActionOutput(stations.get(frame.dst, ofp.OFPP_FLOOD))
        if frame.dst in stations:
            self.add(path, 1, parser.OFPMatch(in_port=port, eth_dst=frame.dst, eth_src=frame.src), out)
        path.send_msg(parser.OFPPacketOut(
            datapath=path, buffer_id=ofp.OFP_NO_BUFFER, in_port=port, actions=[out], data=message.data))
