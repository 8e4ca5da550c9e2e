import com.healthmarketscience.jackcess.*;
import java.io.File;
import java.math.BigDecimal;
import java.time.LocalDateTime;

/** Writes a small pipe survey as Access databases: java -cp ... SurveyMdb FOLDER. */
public class SurveyMdb {
  static final double N0 = 3430515.006, E0 = 617486.771;

  public static void main(String[] args) throws Exception {
    write(new File(args[0], "survey_jet4.mdb"), Database.FileFormat.V2000);
    write(new File(args[0], "survey_ace.accdb"), Database.FileFormat.V2010);
  }

  static void write(File file, Database.FileFormat format) throws Exception {
    try (Database db = new DatabaseBuilder(file).setFileFormat(format).create()) {
      Table meta = new TableBuilder("元数据")
        .addColumn(new ColumnBuilder("项目", DataType.TEXT).setLengthInUnits(50))
        .addColumn(new ColumnBuilder("内容", DataType.TEXT).setLengthInUnits(100)).toTable(db);
      meta.addRow("坐标系", "CGCS2000 3度带 120E");
      meta.addRow("高程基准", "1985国家高程基准");
      Table points = new TableBuilder("YSPoint")
        .addColumn(text("Exp_No", 10)).addColumn(number("X")).addColumn(number("Y"))
        .addColumn(number("High")).addColumn(text("Feature", 15)).addColumn(text("Subsid", 15))
        .addColumn(number("WellDeep")).addColumn(new ColumnBuilder("MDate", DataType.SHORT_DATE_TIME))
        .addColumn(new ColumnBuilder("Note", DataType.MEMO)).toTable(db);
      LocalDateTime day = LocalDateTime.of(2016, 5, 12, 0, 0);
      for (int i = 0; i < 6; i++)
        points.addRow("YS" + i, N0 + 30 * i, E0, 4.0 - 0.05 * i, null, "雨水井", 2.5, day,
            i == 2 ? "井盖破损，\"需更换\"\n第二行" : null);
      Table lines = new TableBuilder("YSLine")
        .addColumn(text("S_Exp", 10)).addColumn(text("E_Exp", 10)).addColumn(number("S_Deep"))
        .addColumn(number("E_Deep")).addColumn(text("Material", 20)).addColumn(text("PSize", 20))
        .addColumn(text("FlowDir", 2)).addColumn(text("EmBed", 10)).addColumn(text("Belong", 80))
        .addColumn(new ColumnBuilder("MDate", DataType.SHORT_DATE_TIME)).addColumn(text("Address", 50)).toTable(db);
      for (int i = 0; i < 5; i++)
        lines.addRow("YS" + i, "YS" + (i + 1), 1.5, 1.5, "混凝土", "600", "+", "直埋", "松江水务", day, "荣乐路");
    }
  }

  static ColumnBuilder text(String name, int length) { return new ColumnBuilder(name, DataType.TEXT).setLengthInUnits(length); }
  static ColumnBuilder number(String name) { return new ColumnBuilder(name, DataType.DOUBLE); }
}
