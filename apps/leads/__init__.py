"""The funnel: lead, touch, qualification, hand-off, opportunity; queue, routing, the record of it all."""
