<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="html"/>
  <xsl:template match="/feed"><ol><xsl:apply-templates/></ol></xsl:template>
  <xsl:template match="entry"><li id="{@n}"><xsl:value-of select="."/></li></xsl:template>
</xsl:stylesheet>
