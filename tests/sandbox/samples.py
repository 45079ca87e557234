"""The samples of the API documents, shortened to one entry a list.

Their names, order, nesting, attributes and types are what the sandbox has to reproduce. XML is from the API
page of about 2010 and the "Get Account Info" page, JSON from the JSON reference.
"""

_METADATA_XML = """
<metadata-type>Graphics Interchange Format (GIF)</metadata-type>
{profile}<metadata-resolution-height>0</metadata-resolution-height>
<metadata-pixel-height>70</metadata-pixel-height>
<metadata-bits-per-sample>32</metadata-bits-per-sample>
<metadata-color-space>RGB</metadata-color-space>
<metadata-resolution-width>0</metadata-resolution-width>
<metadata-orientation>0</metadata-orientation>
<metadata-alpha-channel>false</metadata-alpha-channel>
<metadata-pixel-width>208</metadata-pixel-width>
"""

_ASSET_XML = """
<asset>
<id type="integer">323569</id>
<title>fluxiom logo</title>
<version type="integer">0</version>
<filename>logo.gif</filename>
<description>the fluxiom logo</description>
<content-type>image/gif</content-type>
<thumb_url>/t/0dmqei828xe3f4cpg/323569/0/6xour6vq_64.jpg</thumb_url>
<size type="integer">5060</size>
<user-id>7915</user-id>
<created-on type="date">2010-07-13T13:13:51+02:00</created-on>
<updated-on type="date">2010-07-13T13:13:51+02:00</updated-on>
<tags type="array">
<tag>
<id type="integer">101</id>
<tag>fluxiom</tag>
</tag>
</tags>
{metadata}</asset>
"""

NEW_ASSET_XML = _ASSET_XML.format(metadata="")
ASSET_XML = _ASSET_XML.format(metadata=_METADATA_XML.format(profile=""))
PROFILED_ASSET_XML = _ASSET_XML.format(
    metadata=_METADATA_XML.format(profile="<metadata-profile-name>iMac</metadata-profile-name>\n")
)
ASSETS_XML = f'<documents type="array">{ASSET_XML}</documents>'

VERSION_XML = """
<version>
<id type="integer">18629</id>
<version type="integer">3</version>
<filename>logo.gif</filename>
<content-type>image/gif</content-type>
<size type="integer">9462</size>
<comment>new version</comment>
<user-id>35</user-id>
<created-on type="date">2010-07-21T11:21:52+02:00</created-on>
<updated-on type="date">2010-07-21T12:18:39+02:00</updated-on>
<metadata>
<type>Graphics Interchange Format (GIF)</type>
<profile-name>iMac</profile-name>
<resolution-height>0</resolution-height>
<pixel-height>70</pixel-height>
<bits-per-sample>40</bits-per-sample>
<color-space>RGB</color-space>
<resolution-width>0</resolution-width>
<orientation>0</orientation>
<alpha-channel>1</alpha-channel>
<pixel-width>208</pixel-width>
</metadata>
</version>
"""
VERSIONS_XML = f'<document-versions type="array">{VERSION_XML}</document-versions>'

TAG_XML = """
<tag>
<tag>fluxiom</tag>
<id type="integer">13409</id>
<documents-count type="integer">20</documents-count>
<stages-count type="integer">1</stages-count>
</tag>
"""
TAGS_XML = f'<tags type="array">{TAG_XML}</tags>'
NEW_TAG_XML = '<tag><tag>new tag</tag><id type="integer">14168</id></tag>'

USER_XML = """
<user>
<id type="integer">5792</id>
<first_name>Thomas</first_name>
<last_name>Pamminger</last_name>
<email>thomas@acme.example.com</email>
<created-on type="date">2009-03-24T09:05:02+01:00</created-on>
<updated-on type="date">2010-07-15T16:52:18+02:00</updated-on>
<permissions type="array">
<permission>login</permission>
<permission>manage_assets</permission>
</permissions>
</user>
"""
USERS_XML = f'<users type="array">{USER_XML}</users>'

ACCOUNT_XML = """
<account>
<subdomain>acme</subdomain>
<account_holder_id>1</account_holder_id>
<billing_address>Jane Smith</billing_address>
<billing_email>billing@acme.example.com</billing_email>
<country>AT</country>
<plan ssl="true" stages="true" multiple_users="true" versions="true" branding="true"
 full_text_search="true">Promo</plan>
<branding>active</branding>
<branding_info>
<title>Acme</title>
<font_color>#ffffff</font_color>
<top_color>#426fb3</top_color>
<bottom_color>#5ebfff</bottom_color>
<logo>/branding/logo.png</logo>
<updated type="datetime">2010-02-01T00:00:00+01:00</updated>
</branding_info>
<trial>false</trial>
<stats available_space="39313762738" used_space="3635910222" />
<created_on type="datetime">2006-03-24T00:00:00+01:00</created_on>
<updated_on type="datetime">2006-03-24T00:00:00+01:00</updated_on>
</account>
"""

ACCOUNT_JSON = """
{"updated_on": "2009-08-19T22:00:00Z", "billing_email": "billing@acme.example.com",
"stats": {"used_space": "8456140", "available_space": "30056314932"}, "country": "AT", "trial": "false",
"branding_info": {"title": "Acme", "logo": "/branding/logo.png", "bottom_color": "#32302E",
"top_color": "#000000", "font_color": "#ffffff", "updated": "2010-05-24T22:00:00Z"},
"account_holder_id": "1", "plan": "Basic", "branding": "active",
"billing_address": "Jane Smith Acme Inc 123 Main St New York NY 10001",
"created_on": "2009-08-19T22:00:00Z", "subdomain": "acme"}
"""

ASSETS_JSON = """
[{"title": "fluxiom logo", "thumb_url": "/t/01pzjkkxl051ol/18552/0/ebc62ck6w8p7c5nodq9_64.jpg",
"id": 18552, "filename": "logo.gif", "description": "The fluxiom logo"}]
"""

ASSET_JSON = """
{"metadata_alpha_channel": "true", "size": 9462, "metadata_bits_per_sample": "40",
"metadata_orientation": "0", "title": "fluxiom logo", "content_type": "image/gif",
"created_on": "2010-07-21", "metadata_resolution_height": "0", "metadata_resolution_width": "0",
"metadata_pixel_height": "70", "tags": [{"tag": "fluxiom", "id": 101}], "id": 323569,
"updated_on": "2010-07-21", "metadata_profile_name": "iMac", "version": 0, "user_id": "7915",
"metadata_pixel_width": "208", "filename": "logo.gif", "metadata_color_space": "RGB",
"thumb_url": "/t/01pzjkkxl051ol/18552/0/ebc62ck6w8p7c5nodq9_64.jpg", "description": "the fluxiom logo",
"metadata_type": "Graphics Interchange Format (GIF)"}
"""

NEW_ASSET_JSON = """
{"size": 9462, "title": "fluxiom logo", "content_type": "image/gif", "created_on": "2010-07-21",
"tags": [{"tag": "design", "id": 23}], "id": 18555, "updated_on": "2010-07-21", "version": 0,
"user_id": "35", "filename": "logo.gif", "thumb_url": "/images/assets/thumbs/generating-preview.gif",
"description": "the fluxiom logo"}
"""

VERSION_JSON = """
{"comment": "new version", "size": 9462, "content_type": "image/gif", "created_on": "2010-07-21",
"metadata": {"alpha_channel": "1", "pixel_height": "70", "color_space": "RGB", "pixel_width": "208",
"bits_per_sample": "40", "profile_name": "iMac", "type": "Graphics Interchange Format (GIF)",
"orientation": "0", "resolution_height": "0", "resolution_width": "0"}, "id": 18628,
"updated_on": "2010-07-21", "version": 2, "user_id": "35", "filename": "logo.gif"}
"""
VERSIONS_JSON = f"[{VERSION_JSON}]"

TAG_JSON = '{"tag": "fluxiom", "id": 13409, "documents_count": 20, "stages_count": 1}'
TAGS_JSON = f"[{TAG_JSON}]"
NEW_TAG_JSON = '{"tag": "new tag", "id": 14168}'

USER_JSON = """
{"created_on": "2009-03-24T09:05:02+01:00", "id": 22, "last_name": "Smith",
"email": "jane@acme.example.com", "first_name": "Jane", "permissions": ["login", "manage_assets"],
"updated_on": "2010-07-15T16:52:18+02:00"}
"""
USERS_JSON = f"[{USER_JSON}]"
