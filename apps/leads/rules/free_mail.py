"""Domains at which anybody may have an address: they say nothing about a company.

The larger providers by country; a company with a list of its own adds lines here.
"""

FREE_MAIL = frozenset(
    """
    gmail.com googlemail.com outlook.com outlook.de outlook.fr outlook.es outlook.it hotmail.com hotmail.co.uk
    hotmail.de hotmail.fr hotmail.it hotmail.es hotmail.nl hotmail.se live.com live.co.uk live.de live.fr live.nl
    live.se live.com.au msn.com passport.com yahoo.com yahoo.co.uk yahoo.de yahoo.fr yahoo.es yahoo.it yahoo.co.in
    yahoo.in yahoo.com.br yahoo.ca yahoo.co.jp yahoo.com.au ymail.com rocketmail.com icloud.com me.com mac.com
    aol.com aol.de aol.co.uk aim.com proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de
    tutamail.com tuta.com tuta.io posteo.de posteo.net mailbox.org fastmail.com fastmail.fm hushmail.com hey.com
    zoho.com zohomail.com zohomail.eu mail.com email.com usa.com gmx.de gmx.net gmx.com gmx.at gmx.ch gmx.eu
    web.de freenet.de t-online.de arcor.de online.de vodafone.de 1und1.de ok.de kabelmail.de unitybox.de
    orange.fr wanadoo.fr free.fr sfr.fr laposte.net neuf.fr bbox.fr numericable.fr aliceadsl.fr
    libero.it virgilio.it alice.it tiscali.it tim.it tin.it inwind.it iol.it fastwebnet.it
    terra.es telefonica.net ono.com sapo.pt iol.pt clix.pt telenet.be skynet.be proximus.be
    ziggo.nl kpnmail.nl kpnplanet.nl planet.nl home.nl xs4all.nl hetnet.nl chello.nl casema.nl upcmail.nl
    bluewin.ch hispeed.ch sunrise.ch aon.at chello.at utanet.at a1.net
    telia.com comhem.se bredband.net spray.se online.no getmail.no stofanet.dk mail.dk jubii.dk luukku.com
    kolumbus.fi suomi24.fi elisanet.fi
    wp.pl o2.pl onet.pl onet.eu interia.pl interia.eu op.pl gazeta.pl poczta.onet.pl vp.pl tlen.pl
    seznam.cz centrum.cz email.cz volny.cz atlas.cz post.cz azet.sk zoznam.sk centrum.sk freemail.hu citromail.hu
    abv.bg mail.bg yahoo.ro mail.ru inbox.ru list.ru bk.ru yandex.ru yandex.com ya.ru rambler.ru ukr.net i.ua
    meta.ua inbox.lv btinternet.com sky.com virginmedia.com ntlworld.com talktalk.net blueyonder.co.uk
    tiscali.co.uk eircom.net comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net
    earthlink.net juno.com optonline.net frontier.com windstream.net roadrunner.com rr.com mindspring.com
    shaw.ca rogers.com sympatico.ca bell.net telus.net videotron.ca bigpond.com bigpond.net.au optusnet.com.au
    iinet.net.au xtra.co.nz uol.com.br bol.com.br terra.com.br ig.com.br globo.com hotmail.com.br
    prodigy.net.mx rediffmail.com qq.com vip.qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn
    sohu.com 139.com 189.cn aliyun.com naver.com hanmail.net daum.net nate.com docomo.ne.jp ezweb.ne.jp
    softbank.ne.jp walla.com walla.co.il bezeqint.net mynet.com
    mailinator.com guerrillamail.com 10minutemail.com yopmail.com trashmail.com tempmail.com
    """.split()
)
