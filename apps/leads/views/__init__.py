"""Pages of the funnel, one module per place. Each view: translate, one service call, translate."""
